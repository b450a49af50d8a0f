// Asks whoever is signed in to prove that it is still them, before an app that wants to be sure: by their
// password, or at an identity provider.

import type { ClientView, Identity } from "@lockstep/kit";
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { trpc } from "../backend.ts";
import { readFailure } from "../failures/failure.ts";
import { FailureNotice } from "../failures/failure-notice.tsx";
import { PasswordField } from "../forms/password-field.tsx";
import { usePasswordAgain } from "../session/password-again.ts";
import { SignInAgainLinks } from "../session/sign-in-again-links.tsx";
import card from "../shell/card.module.css";
import { OneMoment } from "../shell/one-moment.tsx";
import { Page } from "../shell/page.tsx";
import { AccountInUse, type AccountInUseProps } from "./account-in-use.tsx";

export interface SignInAgainProps {
  readonly app: ClientView;
  readonly account: AccountInUseProps;
  readonly onSignedIn: () => void;
}

export const SignInAgain = (props: SignInAgainProps) => {
  const methods = useQuery(trpc.identity.list.queryOptions());
  if (methods.data) {
    return methods.data.hasPassword ? (
      <ByPassword {...props} />
    ) : (
      <AtProvider {...props} identities={methods.data.identities} />
    );
  }
  if (!methods.error) return <OneMoment />;
  return (
    <Page title="This cannot go on yet" narrow>
      <FailureNotice
        failure={readFailure("identity.list", methods.error)}
        onRetry={() => void methods.refetch()}
        retrying={methods.isFetching}
      />
    </Page>
  );
};

const leadOf = ({ name }: ClientView) => `${name} wants to be sure that it is you.`;

const ByPassword = ({ app, account, onSignedIn }: SignInAgainProps) => {
  const { username } = account.user;
  const { form, signIn, failure } = usePasswordAgain(username, onSignedIn);
  useEffect(() => {
    if (document.activeElement === document.body) form.select("password");
  }, []);
  return (
    <Page title="Enter your password again" lead={leadOf(app)} narrow>
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

interface AtProviderProps extends Omit<SignInAgainProps, "onSignedIn"> {
  readonly identities: readonly Identity[];
}

const AtProvider = ({ app, account, identities }: AtProviderProps) => (
  <Page title="Sign in again" lead={leadOf(app)} narrow>
    <div className={`${card.card} ${card.fields}`}>
      <AccountInUse {...account} />
      <SignInAgainLinks identities={identities} returnTo={location.pathname} />
    </div>
  </Page>
);
