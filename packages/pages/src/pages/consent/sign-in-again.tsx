// Asks a signed-in user to reauthenticate for an app that requires it: with their password, or at an identity provider.

import type { ClientView, Identity } from "@lockstep/kit";
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import {
  ClientIcon,
  cardClasses,
  FailureNotice,
  OneMoment,
  Page,
  PasswordField,
  SignInAgainLinks,
  useBackend,
  usePasswordAgain,
  useWords,
} from "../../parts.ts";
import { AccountInUse, type AccountInUseProps } from "./account-in-use.tsx";
import { consentWords } from "./words.tsx";

export interface SignInAgainProps {
  readonly app: ClientView;
  readonly account: AccountInUseProps;
  readonly onSignedIn: () => void;
}

export const SignInAgain = (props: SignInAgainProps) => {
  const { trpc, readFailure } = useBackend();
  const { cannotContinue } = useWords("consent", consentWords);
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
    <Page title={cannotContinue} narrow>
      <FailureNotice
        failure={readFailure("identity.list", methods.error)}
        onRetry={() => void methods.refetch()}
        retrying={methods.isFetching}
      />
    </Page>
  );
};

const ByPassword = ({ app, account, onSignedIn }: SignInAgainProps) => {
  const words = useWords("consent", consentWords).again;
  const { username } = account.user;
  const { form, signIn, failure } = usePasswordAgain(onSignedIn);
  useEffect(() => {
    if (document.activeElement === document.body) form.select("password");
  }, []);
  return (
    <Page title={words.passwordTitle} lead={words.lead(app.name)} icon={<ClientIcon />} narrow>
      <form noValidate className={cardClasses.card} onSubmit={form.submit}>
        <div className={cardClasses.fields}>
          <AccountInUse {...account} />
          {failure && <FailureNotice key={signIn.submittedAt} failure={failure} takesFocus />}
          <input type="text" name="username" autoComplete="username" value={username} readOnly hidden />
          <PasswordField label={words.password} autoComplete="current-password" {...form.field("password")} />
          <Button type="submit" fullWidth aria-disabled={signIn.isPending}>
            {signIn.isPending ? words.checking : words.continue}
          </Button>
        </div>
      </form>
    </Page>
  );
};

interface AtProviderProps extends Omit<SignInAgainProps, "onSignedIn"> {
  readonly identities: readonly Identity[];
}

const AtProvider = ({ app, account, identities }: AtProviderProps) => {
  const words = useWords("consent", consentWords).again;
  return (
    <Page title={words.title} lead={words.lead(app.name)} icon={<ClientIcon />} narrow>
      <div className={`${cardClasses.card} ${cardClasses.fields}`}>
        <AccountInUse {...account} />
        <SignInAgainLinks identities={identities} returnTo={location.pathname} />
      </div>
    </Page>
  );
};
