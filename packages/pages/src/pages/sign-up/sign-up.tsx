// The sign-up page: the address, the code that was sent to it, and then the account.

import { useSession } from "@lockstep/client/react";
import { useState } from "react";
import { Link, Redirect, useSearch } from "wouter";
import {
  CheckMail,
  Page,
  ProofSteps,
  paths,
  returnPath,
  returnSearch,
  useCodeCheck,
  useProofFlow,
  useSlots,
  useWords,
} from "../../parts.ts";
import { AddressForm } from "./address-form.tsx";
import { DetailsForm, noDetails } from "./details-form.tsx";
import { signUpWords } from "./words.tsx";

export const SignUpPage = () => {
  const words = useWords("signUp", signUpWords);
  const slots = useSlots("signUp");
  const returnTo = returnPath(useSearch(), location.origin);
  const session = useSession();
  const flow = useProofFlow();
  const check = useCodeCheck(flow);
  // They stay while the code is typed again.
  const [details, setDetails] = useState(noDetails);

  if (session.status === "signedIn") return <Redirect to={returnTo} replace />;
  return (
    <ProofSteps
      flow={flow}
      title={words.title}
      lead={({ signUp }) => (signUp === "invited" ? words.invitedLead : words.lead)}
      closed={({ signUp }) => (signUp === "off" ? words.closed : null)}
      otherWay={
        <>
          {words.haveAccount} <Link href={paths.signIn + returnSearch(returnTo)}>{words.signIn}</Link>
        </>
      }
      slots={slots}
      form={<AddressForm flow={flow} />}
    >
      {(proof, { signUp }) => {
        const address = <strong>{proof.sentTo}</strong>;
        return proof.code === null ? (
          <CheckMail
            proof={proof}
            flow={flow}
            lead={signUp === "invited" ? words.sentIfInvited(address) : words.sent(address)}
            submitLabel={check.busy ? words.checking : words.continue}
            changeLabel={words.changeEmail}
            {...check}
          />
        ) : (
          <Page title={words.details.title} lead={words.details.lead(address)} narrow>
            <DetailsForm proof={proof} code={proof.code} flow={flow} details={details} onDetails={setDetails} />
          </Page>
        );
      }}
    </ProofSteps>
  );
};
