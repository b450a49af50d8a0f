// The page to recover an account: its name or address, the code that was sent to it, and a new password.

import type { SessionState } from "@lockstep/client";
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
  SignInForm,
  useBackend,
  useCodeCheck,
  useProofFlow,
  useSignInMethods,
  useSlots,
  useWords,
} from "../../parts.ts";
import { LoginForm } from "./login-form.tsx";
import { NewPasswordForm } from "./new-password-form.tsx";
import styles from "./recover.module.css";
import { recoverWords } from "./words.tsx";

/** A recovered account. */
interface Recovered {
  readonly login: string;
  /** The session that this browser had then, if any. It has ended. */
  readonly endedSession: string | null;
}

const sessionIdOf = (session: SessionState) => (session.status === "signedIn" ? (session.sessionId ?? null) : null);

export const RecoverPage = () => {
  const { readFailure } = useBackend();
  const words = useWords("recover", recoverWords);
  const slots = useSlots("recover");
  const returnTo = returnPath(useSearch(), location.origin);
  const sessionId = sessionIdOf(useSession());
  const methods = useSignInMethods();
  const flow = useProofFlow();
  const check = useCodeCheck(flow);
  const [recovered, setRecovered] = useState<Recovered | null>(null);

  const signIn = (
    <p className={styles.aside}>
      {words.remembered} <Link href={paths.signIn + returnSearch(returnTo)}>{words.signIn}</Link>
    </p>
  );
  if (recovered) {
    if (sessionId !== null && sessionId !== recovered.endedSession) return <Redirect to={returnTo} replace />;
    return (
      <Page title={words.done.title} lead={words.done.lead} narrow>
        <SignInForm username={recovered.login} />
      </Page>
    );
  }
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
  if (!methods.data.recovery) {
    return (
      <Page title={words.noMail.title} lead={words.noMail.lead} narrow>
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
  if (flow.proof === null) {
    return (
      <Page title={words.title} lead={words.lead} narrow>
        {slots.above && <slots.above />}
        <LoginForm flow={flow} />
        {signIn}
        {slots.below && <slots.below />}
      </Page>
    );
  }
  const { proof } = flow;
  if (proof.code === null) {
    return (
      <CheckMail
        proof={proof}
        flow={flow}
        lead={words.sent(<strong>{proof.sentTo}</strong>)}
        submitLabel={check.busy ? words.checking : words.continue}
        changeLabel={words.change}
        {...check}
      />
    );
  }
  return (
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
  );
};
