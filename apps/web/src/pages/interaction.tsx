// What a person meets whom an app sent here to ask for access: signing in, if they are not signed in, and
// then the question, or none where they answered it before.

import type { AuthorizationRequest } from "@lockstep/kit";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { client, session, trpc } from "../backend.ts";
import { type Failure, readFailure } from "../failures/failure.ts";
import { FailureNotice } from "../failures/failure-notice.tsx";
import { EndNotice } from "../session/end-notice.tsx";
import { ProviderButtons } from "../session/provider-buttons.tsx";
import { SignInForm } from "../session/sign-in-form.tsx";
import { useSession } from "../session/use-session.ts";
import { OneMoment } from "../shell/one-moment.tsx";
import { Page } from "../shell/page.tsx";
import { Consent } from "./consent.tsx";
import styles from "./interaction.module.css";
import { SignInAgain } from "./sign-in-again.tsx";

export interface InteractionPageProps {
  readonly authorizationId: string;
}

export const InteractionPage = ({ authorizationId }: InteractionPageProps) => {
  const now = useSession();
  /** Whether the person said that they do not mean the account which was signed in here. */
  const [other, setOther] = useState(false);
  return now.status === "signed-in" ? (
    // Another person is asked another question.
    <Authorization key={now.userId} authorizationId={authorizationId} onOther={() => setOther(true)} />
  ) : (
    <SignInToContinue authorizationId={authorizationId} other={other} />
  );
};

const SignInToContinue = ({ authorizationId, other }: InteractionPageProps & { other: boolean }) => {
  const now = useSession();
  const asker = useQuery(trpc.authorization.asker.queryOptions({ authorizationId }));
  if (asker.error) {
    return (
      <Refused
        failure={readFailure("authorization.asker", asker.error)}
        onRetry={() => void asker.refetch()}
        retrying={asker.isFetching}
      />
    );
  }
  if (!asker.data) return <OneMoment />;
  const { client: app, loginHint } = asker.data;
  return (
    <Page title="Sign in" lead={`to continue to ${app.name}`} narrow>
      {now.status === "signed-out" && !other && <EndNotice because={now.because} />}
      <SignInForm username={(!other && loginHint) || ""} />
      <ProviderButtons returnTo={location.pathname} />
    </Page>
  );
};

const Authorization = ({ authorizationId, onOther }: InteractionPageProps & { onOther: () => void }) => {
  const request = useQuery(trpc.authorization.read.queryOptions({ authorizationId }));
  const me = useQuery(trpc.user.me.queryOptions());
  const approve = useMutation(
    trpc.authorization.approve.mutationOptions({
      onSuccess: leave,
      onError(error) {
        // Too much time has passed since the request was read: it says so when it is read again.
        if (readFailure("authorization.approve", error).code === "REAUTHENTICATION_REQUIRED") readAgain();
      },
    }),
  );
  const deny = useMutation(trpc.authorization.deny.mutationOptions({ onSuccess: leave }));
  const signOut = useMutation({
    mutationFn: () => session.leave(() => client.auth.logout.mutate()),
    onMutate: onOther,
  });

  const nothingToAsk = request.data?.signInAgain === false && !request.data.consent;
  const approving = useRef(false);
  const readAgain = () => {
    approving.current = false;
    approve.reset();
    void request.refetch();
  };
  useEffect(() => {
    if (!nothingToAsk || approving.current) return;
    approving.current = true;
    approve.mutate({ authorizationId });
  }, [nothingToAsk]);

  const failure =
    (request.error && readFailure("authorization.read", request.error)) ??
    (me.error && readFailure("user.me", me.error));
  const decisionFailure =
    (approve.error && readFailure("authorization.approve", approve.error)) ??
    (deny.error && readFailure("authorization.deny", deny.error)) ??
    (signOut.error && readFailure("auth.logout", signOut.error));

  if (request.data && (approve.isSuccess || deny.isSuccess)) return <GoingBack request={request.data} />;
  // What was read before stands, where it could not be read once more.
  if (failure && (isOver(failure) || !request.data || !me.data)) {
    return (
      <Refused
        failure={failure}
        onRetry={() => void Promise.all([request.refetch(), me.refetch()])}
        retrying={request.isFetching || me.isFetching}
      />
    );
  }
  if (decisionFailure && (nothingToAsk || isOver(decisionFailure))) {
    return (
      <Refused
        failure={decisionFailure}
        onRetry={() => approve.mutate({ authorizationId })}
        retrying={approve.isPending}
      />
    );
  }
  if (!request.data || !me.data || nothingToAsk) return <OneMoment />;

  const account = { user: me.data, signingOut: signOut.isPending, onOther: () => signOut.mutate() };
  if (request.data.signInAgain) {
    return <SignInAgain app={request.data.client} account={account} onSignedIn={readAgain} />;
  }
  const busy = approve.isPending || deny.isPending || signOut.isPending;
  return (
    <Consent
      request={request.data}
      account={account}
      failure={decisionFailure}
      deciding={approve.isPending ? "allow" : deny.isPending ? "deny" : null}
      onAllow={() => !busy && approve.mutate({ authorizationId })}
      onDeny={() => !busy && deny.mutate({ authorizationId })}
    />
  );
};

const leave = ({ redirectTo }: { redirectTo: string }) => location.assign(redirectTo);

/** What stays in sight where the app opens in a window of its own. */
const GoingBack = ({ request: { client: app, returnsTo } }: { request: AuthorizationRequest }) => (
  <Page
    title={returnsTo === null ? "One moment" : `Going back to ${app.name}`}
    lead={returnsTo === null ? undefined : "If it does not open by itself, switch to it: it has its answer."}
    narrow
  >
    {null}
  </Page>
);

/** Answered, expired, begun in another browser, or never heard of. */
const isOver = ({ code }: Failure) => code === "AUTHORIZATION_NOT_FOUND" || code === "INVALID_INPUT";

interface RefusedProps {
  readonly failure: Failure;
  readonly onRetry: () => void;
  readonly retrying: boolean;
}

const Refused = ({ failure, onRetry, retrying }: RefusedProps) =>
  isOver(failure) ? (
    <Page
      title="This request is no longer open"
      lead="It was answered, it has expired, or it began in another browser. Nothing was shared by opening this page. Go back to the app and begin again."
      narrow
    >
      <p className={styles.center}>
        <Link href="/">Go to your account</Link>
      </p>
    </Page>
  ) : (
    <Page title="This cannot go on yet" narrow>
      <FailureNotice failure={failure} onRetry={onRetry} retrying={retrying} />
    </Page>
  );
