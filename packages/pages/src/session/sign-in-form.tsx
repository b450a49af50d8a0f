// The sign-in form.

import { LoginInput } from "@lockstep/kit";
import { Button, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type ReactNode, useEffect, useState } from "react";
import { useBackend } from "../app/context.ts";
import type { PendingSignIn } from "../factors/second-step.tsx";
import type { Failure } from "../failures/failure.ts";
import { FailureNotice } from "../failures/failure-notice.tsx";
import { ChallengeStatus } from "../forms/challenge-status.tsx";
import { PasswordField } from "../forms/password-field.tsx";
import { useForm } from "../forms/use-form.ts";
import { cardClasses } from "../layout/card.ts";
import { paths } from "../paths.ts";
import { sessionWords } from "../words/shared.ts";
import { useWords } from "../words/words.ts";
import { NextStep } from "./next-step.tsx";

/** The props of `SignInForm`. */
export interface SignInFormProps {
  /** The username of the expected user. */
  readonly username?: string;
  /** Why an earlier sign-in has to be begun again. */
  readonly expired?: Failure | null;
  /** Other ways to get in, on the card of the form: `AccountLinks`, `ProviderButtons`. */
  readonly children?: ReactNode;
}

/** The sign-in form. */
export const SignInForm = ({ username = "", expired: given = null, children }: SignInFormProps) => {
  const { trpc, readFailure } = useBackend();
  const words = useWords("session", sessionWords);
  const [pending, setPending] = useState<PendingSignIn | null>(null);
  const [expired, setExpired] = useState(given);
  const signIn = useMutation(
    trpc.auth.login.mutationOptions({
      onSuccess(answer) {
        if (answer.status === "signed_in") return;
        setExpired(null);
        setPending(answer);
      },
      onError(error) {
        const { code, details } = readFailure("auth.login", error);
        if (code === "INVALID_CREDENTIALS") form.select("password");
        // The page shows when the account is deleted, and keeps it.
        if (code === "DELETION_PENDING" && details.secret) location.assign(`${paths.proof}#${details.secret}`);
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

  // Focus the form only if this is the first page. Users who were sent here hear the reason first.
  useEffect(() => {
    if (document.activeElement === document.body) form.select(username ? "password" : "username");
  }, []);

  if (pending) {
    return (
      <NextStep
        pending={pending}
        onStartAgain={(failure = null) => {
          form.set("password", "");
          setExpired(failure);
          setPending(null);
        }}
      />
    );
  }
  return (
    <form noValidate className={cardClasses.card} onSubmit={form.submit}>
      <div className={cardClasses.fields}>
        {expired && !failure && <FailureNotice failure={expired} takesFocus />}
        {failure && <FailureNotice failure={failure} takesFocus={failure.code !== "INVALID_CREDENTIALS"} />}
        <TextInput
          label={words.username}
          required
          autoComplete="username webauthn"
          autoCapitalize="none"
          autoCorrect="off"
          spellCheck={false}
          {...form.field("username")}
        />
        <PasswordField label={words.password} autoComplete="current-password" {...form.field("password")} />
        <Button type="submit" fullWidth aria-disabled={signIn.isPending}>
          {signIn.isPending ? words.signingIn : words.signIn}
        </Button>
        <ChallengeStatus />
        {children}
      </div>
    </form>
  );
};
