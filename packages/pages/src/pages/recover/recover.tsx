// The page to recover an account: its name or address, the code that was sent to it, and a new password.

import type { SessionState } from "@lockstep/client";
import { useSession } from "@lockstep/client/react";
import { useState } from "react";
import { Link, Redirect, useSearch } from "wouter";
import {
  CheckMail,
  Page,
  ProofLoginForm,
  ProofSteps,
  paths,
  returnPath,
  returnSearch,
  SignInForm,
  useBackend,
  useCodeCheck,
  useProofFlow,
  useSlots,
  useWords,
} from "../../parts.ts";
import { NewPasswordForm } from "./new-password-form.tsx";
import { recoverWords } from "./words.tsx";

/** A recovered account. */
interface Recovered {
  readonly login: string;
  /** The session that this browser had then, if any. It has ended. */
  readonly endedSession: string | null;
}

const sessionIdOf = (session: SessionState) => (session.status === "signedIn" ? (session.sessionId ?? null) : null);

export const RecoverPage = () => {
  const { client } = useBackend();
  const words = useWords("recover", recoverWords);
  const slots = useSlots("recover");
  const returnTo = returnPath(useSearch(), location.origin);
  const sessionId = sessionIdOf(useSession());
  const flow = useProofFlow();
  const check = useCodeCheck(flow);
  const [recovered, setRecovered] = useState<Recovered | null>(null);

  if (recovered) {
    if (sessionId !== null && sessionId !== recovered.endedSession) return <Redirect to={returnTo} replace />;
    return (
      <Page title={words.done.title} lead={words.done.lead} narrow>
        <SignInForm username={recovered.login} />
      </Page>
    );
  }
  return (
    <ProofSteps
      flow={flow}
      title={words.title}
      lead={() => words.lead}
      closed={({ recovery }) => (recovery ? null : words.noMail)}
      otherWay={
        <>
          {words.remembered} <Link href={paths.signIn + returnSearch(returnTo)}>{words.signIn}</Link>
        </>
      }
      slots={slots}
      form={<ProofLoginForm flow={flow} path="account.recover" ask={client.account.recover.mutate} words={words} />}
    >
      {(proof) =>
        proof.code === null ? (
          <CheckMail
            proof={proof}
            flow={flow}
            lead={words.sent(<strong>{proof.sentTo}</strong>)}
            submitLabel={check.busy ? words.checking : words.continue}
            changeLabel={words.change}
            {...check}
          />
        ) : (
          <Page title={words.password.title} lead={words.password.lead} narrow>
            <NewPasswordForm
              proof={proof}
              code={proof.code}
              flow={flow}
              onDone={() => {
                setRecovered({ login: proof.sentTo, endedSession: sessionId });
                flow.restart();
              }}
            />
          </Page>
        )
      }
    </ProofSteps>
  );
};
