// The form that a person signs in with.

import { LoginInput } from "@lockstep/kit";
import { Button, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useEffect } from "react";
import { trpc } from "../backend.ts";
import { readFailure } from "../failures/failure.ts";
import { FailureNotice } from "../failures/failure-notice.tsx";
import { PasswordField } from "../forms/password-field.tsx";
import { useForm } from "../forms/use-form.ts";
import card from "../shell/card.module.css";

export interface SignInFormProps {
  /** Who is expected to sign in. */
  readonly username?: string;
}

export const SignInForm = ({ username = "" }: SignInFormProps) => {
  const signIn = useMutation(
    trpc.auth.login.mutationOptions({
      onError(error) {
        if (readFailure("auth.login", error).code === "INVALID_CREDENTIALS") form.select("password");
      },
    }),
  );
  const form = useForm({
    initialValues: { username, password: "" },
    schema: LoginInput.pick({ username: true, password: true }),
    onSubmit: (input) => {
      if (!signIn.isPending) signIn.mutate(input);
    },
  });
  const failure = signIn.error && readFailure("auth.login", signIn.error);

  // Whoever opened this page first is here to type; whoever was sent here is read why first.
  useEffect(() => {
    if (document.activeElement === document.body) form.select(username ? "password" : "username");
  }, []);

  return (
    <form noValidate className={card.card} onSubmit={form.submit}>
      <div className={card.fields}>
        {failure && <FailureNotice failure={failure} takesFocus={failure.code !== "INVALID_CREDENTIALS"} />}
        <TextInput
          label="Username or e-mail address"
          required
          autoComplete="username"
          autoCapitalize="none"
          autoCorrect="off"
          spellCheck={false}
          {...form.field("username")}
        />
        <PasswordField label="Password" autoComplete="current-password" {...form.field("password")} />
        <Button type="submit" fullWidth aria-disabled={signIn.isPending}>
          {signIn.isPending ? "Signing in…" : "Sign in"}
        </Button>
      </div>
    </form>
  );
};
