// The sign-in page, which then returns users to the page that they requested.

import { useSession } from "@lockstep/client/react";
import { Redirect, useSearch } from "wouter";
import {
  EndNotice,
  LoginProblemNotice,
  Page,
  ProviderButtons,
  returnPath,
  SignInForm,
  useSlots,
  useWords,
} from "../../parts.ts";
import { signInWords } from "./words.ts";

export const SignInPage = () => {
  const session = useSession();
  const search = useSearch();
  const words = useWords("signIn", signInWords);
  const slots = useSlots("signIn");
  if (session.status === "signedIn") return <Redirect to={returnPath(search, location.origin)} replace />;
  return (
    <Page title={words.title} narrow>
      {session.status === "signedOut" && <EndNotice reason={session.reason} />}
      <LoginProblemNotice />
      {slots.above && <slots.above />}
      <SignInForm />
      <ProviderButtons returnTo={returnPath(search, location.origin)} />
      {slots.below && <slots.below />}
    </Page>
  );
};
