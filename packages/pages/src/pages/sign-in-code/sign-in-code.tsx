// The page to sign in with a code: the name or address of the account, and the code that was sent to it. The link in the mail
// brings the code; the user still says that they want to sign in.

import { useSession } from "@lockstep/client/react";
import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Link, Redirect, useSearch } from "wouter";
import {
  type AskedProof,
  CheckMail,
  cardClasses,
  type Failure,
  FailureNotice,
  NextStep,
  Page,
  type PendingSignIn,
  type ProofFlow,
  ProofLoginForm,
  ProofSteps,
  paths,
  returnPath,
  returnSearch,
  useBackend,
  useProofFlow,
  useSlots,
  useWords,
} from "../../parts.ts";
import { signInCodeWords } from "./words.tsx";

export const SignInCodePage = () => {
  const { client } = useBackend();
  const words = useWords("signInCode", signInCodeWords);
  const slots = useSlots("signInCode");
  const returnTo = returnPath(useSearch(), location.origin);
  const session = useSession();
  const flow = useProofFlow();
  const [expired, setExpired] = useState<Failure | null>(null);

  if (session.status === "signedIn") return <Redirect to={returnTo} replace />;
  return (
    <ProofSteps
      flow={flow}
      title={words.title}
      lead={() => words.lead}
      closed={({ signInCode }) => (signInCode ? null : words.off)}
      otherWay={<Link href={paths.signIn + returnSearch(returnTo)}>{words.usePassword}</Link>}
      slots={slots}
      form={
        <>
          {expired && <FailureNotice failure={expired} takesFocus />}
          <ProofLoginForm
            flow={flow}
            path="auth.requestSignInCode"
            ask={client.auth.requestSignInCode.mutate}
            words={words}
          />
        </>
      }
    >
      {(proof) => <Finish proof={proof} flow={flow} onExpired={setExpired} />}
    </ProofSteps>
  );
};

interface FinishProps {
  readonly proof: AskedProof;
  readonly flow: ProofFlow;
  /** Called when the second step came too late. */
  readonly onExpired: (failure: Failure | null) => void;
}

/** Signs in with the code: typed here, or brought by the link in the mail. */
const Finish = ({ proof, flow, onExpired }: FinishProps) => {
  const { client, readFailure } = useBackend();
  const words = useWords("signInCode", signInCodeWords);
  const [pending, setPending] = useState<PendingSignIn | null>(null);
  const signIn = useMutation({
    mutationFn: (code: string) => client.auth.loginWithCode.mutate({ proofId: proof.proofId, code }),
    onSuccess: (answer) => answer.status !== "signed_in" && setPending(answer),
    onError(error) {
      const refused = readFailure("auth.loginWithCode", error);
      if (refused.code === "PROOF_REFUSED") flow.refuse(refused.details);
    },
  });
  const failed = signIn.error && readFailure("auth.loginWithCode", signIn.error);
  const failure = failed?.code === "PROOF_REFUSED" ? null : failed;
  const { code } = proof;
  const submitLabel = signIn.isPending ? words.signingIn : words.signIn;
  const sentTo = <strong>{proof.sentTo}</strong>;
  if (pending)
    return (
      <Page title={words.title} narrow>
        <NextStep
          pending={pending}
          onStartAgain={(failure = null) => {
            onExpired(failure);
            flow.restart();
          }}
        />
      </Page>
    );
  if (code === null) {
    return (
      <CheckMail
        proof={proof}
        flow={flow}
        lead={words.sent(sentTo)}
        submitLabel={submitLabel}
        changeLabel={words.change}
        busy={signIn.isPending}
        failure={failure}
        onCode={signIn.mutate}
      />
    );
  }
  return (
    <Page title={words.confirm.title} lead={words.confirm.lead(sentTo)} narrow>
      <div className={`${cardClasses.card} ${cardClasses.fields}`}>
        {failure && <FailureNotice key={signIn.submittedAt} failure={failure} takesFocus />}
        <Button aria-disabled={signIn.isPending} onClick={() => !signIn.isPending && signIn.mutate(code)}>
          {submitLabel}
        </Button>
        <Button variant="default" onClick={flow.restart}>
          {words.confirm.cancel}
        </Button>
      </div>
    </Page>
  );
};
