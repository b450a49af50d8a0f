// The sign-in page, and the way back to where a person wanted to go.

import { LoginInput } from "@lockstep/contract";
import { Button, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useEffect } from "react";
import { Redirect, useSearch } from "wouter";
import { trpc } from "../backend.ts";
import { readFailure } from "../failures/failure.ts";
import { FailureNotice } from "../failures/failure-notice.tsx";
import { PasswordField } from "../forms/password-field.tsx";
import { useForm } from "../forms/use-form.ts";
import { EndNotice } from "../session/end-notice.tsx";
import { LoginProblemNotice } from "../session/login-problem.tsx";
import { returnPath } from "../session/return-path.ts";
import { useProviders } from "../session/use-providers.ts";
import { useSession } from "../session/use-session.ts";
import { Page } from "../shell/page.tsx";
import card from "./card.module.css";

export const SignInPage = () => {
  const session = useSession();
  const search = useSearch();
  if (session.status === "signed-in") return <Redirect to={returnPath(search, location.origin)} replace />;
  return (
    <Page title="Sign in" narrow>
      {session.status === "signed-out" && <EndNotice because={session.because} />}
      <LoginProblemNotice />
      <SignInForm />
      <ProviderButtons returnTo={returnPath(search, location.origin)} />
    </Page>
  );
};

/** Links, for they leave the app: the server sends the browser on. */
const ProviderButtons = ({ returnTo }: { returnTo: string }) =>
  useProviders().map(({ name, label }) => (
    <Button
      key={name}
      component="a"
      href={`/login/${name}?${new URLSearchParams({ returnTo })}`}
      variant="default"
      fullWidth
      mt="sm"
    >
      Continue with {label}
    </Button>
  ));

const SignInForm = () => {
  const signIn = useMutation(
    trpc.auth.login.mutationOptions({
      onError(error) {
        if (readFailure("auth.login", error).code === "INVALID_CREDENTIALS") form.select("password");
      },
    }),
  );
  const form = useForm({
    initialValues: { username: "", password: "" },
    schema: LoginInput.pick({ username: true, password: true }),
    onSubmit: (input) => {
      if (!signIn.isPending) signIn.mutate(input);
    },
  });
  const failure = signIn.error && readFailure("auth.login", signIn.error);

  // Whoever opened this page first is here to type; whoever was sent here is read why first.
  useEffect(() => {
    if (document.activeElement === document.body) form.select("username");
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
