// The sign-up page: the address, the code that was sent to it, and then the account.

import { useSession } from "@lockstep/client/react";
import { useState } from "react";
import { Link, Redirect, useSearch } from "wouter";
import {
  CheckMail,
  FailureNotice,
  OneMoment,
  Page,
  ProofRefused,
  paths,
  returnPath,
  returnSearch,
  useBackend,
  useCodeCheck,
  useProofFlow,
  useSignInMethods,
  useSlots,
  useWords,
} from "../../parts.ts";
import { AddressForm } from "./address-form.tsx";
import { DetailsForm, noDetails } from "./details-form.tsx";
import styles from "./sign-up.module.css";
import { signUpWords } from "./words.tsx";

export const SignUpPage = () => {
  const { readFailure } = useBackend();
  const words = useWords("signUp", signUpWords);
  const slots = useSlots("signUp");
  const returnTo = returnPath(useSearch(), location.origin);
  const session = useSession();
  const methods = useSignInMethods();
  const flow = useProofFlow();
  const check = useCodeCheck(flow);
  // They stay while the code is typed again.
  const [details, setDetails] = useState(noDetails);

  const signIn = (
    <p className={styles.aside}>
      {words.haveAccount} <Link href={paths.signIn + returnSearch(returnTo)}>{words.signIn}</Link>
    </p>
  );
  if (session.status === "signedIn") return <Redirect to={returnTo} replace />;
  if (methods.isPending) return <OneMoment />;
  if (methods.error) {
    return (
      <Page title={words.title} narrow>
        <FailureNotice
          failure={readFailure("auth.methods", methods.error)}
          onRetry={() => void methods.refetch()}
          retrying={methods.isFetching}
        />
      </Page>
    );
  }
  if (methods.data.signUp === "off") {
    return (
      <Page title={words.closed.title} lead={words.closed.lead} narrow>
        {signIn}
      </Page>
    );
  }
  if (flow.refused) {
    return (
      <ProofRefused reason={flow.refused} onStartAgain={flow.restart}>
        {signIn}
      </ProofRefused>
    );
  }
  const invited = methods.data.signUp === "invited";
  if (flow.proof === null) {
    return (
      <Page title={words.title} lead={invited ? words.invitedLead : words.lead} narrow>
        {slots.above && <slots.above />}
        <AddressForm flow={flow} />
        {signIn}
        {slots.below && <slots.below />}
      </Page>
    );
  }
  const { proof } = flow;
  const address = <strong>{proof.sentTo}</strong>;
  if (proof.code === null) {
    return (
      <CheckMail
        proof={proof}
        flow={flow}
        lead={invited ? words.sentIfInvited(address) : words.sent(address)}
        submitLabel={check.busy ? words.checking : words.continue}
        changeLabel={words.changeEmail}
        {...check}
      />
    );
  }
  return (
    <Page title={words.details.title} lead={words.details.lead(address)} narrow>
      <DetailsForm proof={proof} code={proof.code} flow={flow} details={details} onDetails={setDetails} />
    </Page>
  );
};
