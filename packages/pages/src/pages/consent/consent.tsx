// The page for users whom an app sent here to request access: first the sign-in, if they are not signed in, then the
// question, unless they answered it before.

import { useSession } from "@lockstep/client/react";
import type { AuthorizationRequest } from "@lockstep/kit";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import {
  AccountLinks,
  ClientIcon,
  EndNotice,
  type Failure,
  FailureNotice,
  OneMoment,
  Page,
  PasskeySignIn,
  ProviderButtons,
  paths,
  SignInForm,
  useBackend,
  useSignOut,
  useWords,
} from "../../parts.ts";
import styles from "./consent.module.css";
import { ConsentQuestion } from "./question.tsx";
import { SignInAgain } from "./sign-in-again.tsx";
import { consentWords } from "./words.tsx";

export interface ConsentPageProps {
  readonly authorizationId: string;
}

export const ConsentPage = ({ authorizationId }: ConsentPageProps) => {
  const session = useSession();
  /** Whether the user chose to use another account than the signed-in one. */
  const [other, setOther] = useState(false);
  return session.status === "signedIn" ? (
    // A different user gets a different question.
    <Authorization key={session.user?.id} authorizationId={authorizationId} onOther={() => setOther(true)} />
  ) : (
    <SignInToContinue authorizationId={authorizationId} other={other} />
  );
};

const SignInToContinue = ({ authorizationId, other }: ConsentPageProps & { other: boolean }) => {
  const session = useSession();
  const { trpc, readFailure } = useBackend();
  const words = useWords("consent", consentWords).signIn;
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
    <Page title={words.title} lead={words.lead(app.name)} icon={<ClientIcon />} narrow>
      {session.status === "signedOut" && !other && <EndNotice reason={session.reason} />}
      <SignInForm username={(!other && loginHint) || ""}>
        <PasskeySignIn />
        <AccountLinks returnTo={location.pathname} />
        <ProviderButtons returnTo={location.pathname} />
      </SignInForm>
    </Page>
  );
};

const Authorization = ({ authorizationId, onOther }: ConsentPageProps & { onOther: () => void }) => {
  const { trpc, readFailure } = useBackend();
  const request = useQuery(trpc.authorization.read.queryOptions({ authorizationId }));
  const me = useQuery(trpc.user.me.queryOptions());
  const approve = useMutation(
    trpc.authorization.approve.mutationOptions({
      onSuccess: leave,
      onError(error) {
        // The sign-in has become too old since the request was read. Reading it again says so.
        if (readFailure("authorization.approve", error).code === "REAUTHENTICATION_REQUIRED") readAgain();
      },
    }),
  );
  const deny = useMutation(trpc.authorization.deny.mutationOptions({ onSuccess: leave }));
  const signOut = useSignOut({ onMutate: onOther });

  const nothingToAsk = request.data?.stepUp === null && !request.data.consent;
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
  // If reading again fails, the earlier result remains valid.
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
  if (request.data.stepUp) {
    return (
      <SignInAgain
        app={request.data.client}
        account={account}
        needs={request.data.stepUp}
        onSignedIn={readAgain}
        onDecline={() => !deny.isPending && deny.mutate({ authorizationId })}
      />
    );
  }
  const busy = approve.isPending || deny.isPending || signOut.isPending;
  return (
    <ConsentQuestion
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

/** Stays visible if the app opens in a window of its own. */
const GoingBack = ({ request: { client: app, returnsTo } }: { request: AuthorizationRequest }) => {
  const { title, lead, toDevice } = useWords("consent", consentWords).goingBack;
  return returnsTo === null ? (
    <Page title={toDevice} narrow>
      {null}
    </Page>
  ) : (
    <Page title={title(app.name)} lead={lead} narrow>
      {null}
    </Page>
  );
};

/** Answered, expired, started in another browser, or unknown. */
const isOver = ({ code }: Failure) => code === "AUTHORIZATION_NOT_FOUND" || code === "INVALID_INPUT";

interface RefusedProps {
  readonly failure: Failure;
  readonly onRetry: () => void;
  readonly retrying: boolean;
}

const Refused = ({ failure, onRetry, retrying }: RefusedProps) => {
  const { over, cannotContinue } = useWords("consent", consentWords);
  return isOver(failure) ? (
    <Page title={over.title} lead={over.lead} narrow>
      <p className={styles.center}>
        <Link href={paths.account}>{over.home}</Link>
      </p>
    </Page>
  ) : (
    <Page title={cannotContinue} narrow>
      <FailureNotice failure={failure} onRetry={onRetry} retrying={retrying} />
    </Page>
  );
};
