// Asks whoever is signed in for their password, before an application that wants to be sure that it is them.

import { type ApplicationView, LoginInput } from "@lockstep/contract";
import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useEffect } from "react";
import { client, session } from "../backend.ts";
import { readFailure } from "../failures/failure.ts";
import { FailureNotice } from "../failures/failure-notice.tsx";
import { PasswordField } from "../forms/password-field.tsx";
import { useForm } from "../forms/use-form.ts";
import card from "../shell/card.module.css";
import { Page } from "../shell/page.tsx";
import { AccountInUse, type AccountInUseProps } from "./account-in-use.tsx";

export interface SignInAgainProps {
  readonly application: ApplicationView;
  readonly account: AccountInUseProps;
  readonly onSignedIn: () => void;
}

export const SignInAgain = ({ application, account, onSignedIn }: SignInAgainProps) => {
  const { username } = account.user;
  const signIn = useMutation({
    // A new session takes this one's place: what the old one's end would tell is no news.
    mutationFn: (password: string) =>
      session.replace(() => client.auth.login.mutate({ username, password, transport: "cookie" })),
    onSuccess: onSignedIn,
    onError(error) {
      if (readFailure("auth.login", error).code !== "INVALID_CREDENTIALS") return;
      form.refuse({ password: "This is not your password." });
      form.select("password");
    },
  });
  const form = useForm({
    initialValues: { password: "" },
    schema: LoginInput.pick({ password: true }),
    onSubmit: ({ password }) => {
      if (!signIn.isPending) signIn.mutate(password);
    },
  });
  useEffect(() => {
    if (document.activeElement === document.body) form.select("password");
  }, []);
  const failure = signIn.error && readFailure("auth.login", signIn.error);
  return (
    <Page title="Enter your password again" lead={`${application.name} wants to be sure that it is you.`} narrow>
      <form noValidate className={card.card} onSubmit={form.submit}>
        <div className={card.fields}>
          <AccountInUse {...account} />
          {failure && failure.code !== "INVALID_CREDENTIALS" && (
            <FailureNotice key={signIn.submittedAt} failure={failure} takesFocus />
          )}
          <input type="text" name="username" autoComplete="username" value={username} readOnly hidden />
          <PasswordField label="Password" autoComplete="current-password" {...form.field("password")} />
          <Button type="submit" fullWidth aria-disabled={signIn.isPending}>
            {signIn.isPending ? "Checking…" : "Continue"}
          </Button>
        </div>
      </form>
    </Page>
  );
};
