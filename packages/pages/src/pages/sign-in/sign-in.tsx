// The sign-in page, which then returns users to the page that they requested.

import { useSession } from "@lockstep/client/react";
import { useState } from "react";
import { Redirect, useSearch } from "wouter";
import {
  AccountLinks,
  EndNotice,
  type Failure,
  LoginProblemNotice,
  NextStep,
  Page,
  PasskeySignIn,
  ProviderButtons,
  returnPath,
  SignInForm,
  takeContinuation,
  useSlots,
  useWords,
} from "../../parts.ts";
import { signInWords } from "./words.ts";

export const SignInPage = () => {
  const session = useSession();
  const search = useSearch();
  const words = useWords("signIn", signInWords);
  const slots = useSlots("signIn");
  const returnTo = returnPath(search, location.origin);
  const [continued, setContinued] = useState(takeContinuation);
  const [expired, setExpired] = useState<Failure | null>(null);
  if (session.status === "signedIn") return <Redirect to={returnTo} replace />;
  return (
    <Page title={words.title} narrow>
      {session.status === "signedOut" && <EndNotice reason={session.reason} />}
      <LoginProblemNotice />
      {slots.above && <slots.above />}
      {continued === null ? (
        <SignInForm expired={expired}>
          <PasskeySignIn />
          <AccountLinks returnTo={returnTo} />
          <ProviderButtons returnTo={returnTo} />
        </SignInForm>
      ) : (
        <NextStep
          pending={continued}
          onStartAgain={(failure = null) => {
            setExpired(failure);
            setContinued(null);
          }}
        />
      )}
      {slots.below && <slots.below />}
    </Page>
  );
};
