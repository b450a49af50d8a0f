// The sign-in page, and the way back to where a person wanted to go.

import { Redirect, useSearch } from "wouter";
import { EndNotice } from "../session/end-notice.tsx";
import { LoginProblemNotice } from "../session/login-problem.tsx";
import { ProviderButtons } from "../session/provider-buttons.tsx";
import { returnPath } from "../session/return-path.ts";
import { SignInForm } from "../session/sign-in-form.tsx";
import { useSession } from "../session/use-session.ts";
import { Page } from "../shell/page.tsx";

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
