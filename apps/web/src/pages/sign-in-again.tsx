// Asks whoever is signed in for their password, before an application that wants to be sure that it is them.

import type { ApplicationView } from "@lockstep/contract";
import { Button } from "@mantine/core";
import { useEffect } from "react";
import { FailureNotice } from "../failures/failure-notice.tsx";
import { PasswordField } from "../forms/password-field.tsx";
import { usePasswordAgain } from "../session/password-again.ts";
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
  const { form, signIn, failure } = usePasswordAgain(username, onSignedIn);
  useEffect(() => {
    if (document.activeElement === document.body) form.select("password");
  }, []);
  return (
    <Page title="Enter your password again" lead={`${application.name} wants to be sure that it is you.`} narrow>
      <form noValidate className={card.card} onSubmit={form.submit}>
        <div className={card.fields}>
          <AccountInUse {...account} />
          {failure && <FailureNotice key={signIn.submittedAt} failure={failure} takesFocus />}
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
