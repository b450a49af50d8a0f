// The page of one app: what it is known by, code to begin with, and how to change or delete it.

import { clientKinds, type OAuthClient, type RegisterClientInput, type RegisteredClient } from "@lockstep/kit";
import { Alert, Button, Skeleton } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { client, trpc } from "../../backend.ts";
import { readFailure } from "../../failures/failure.ts";
import { FailureNotice } from "../../failures/failure-notice.tsx";
import { useReauthentication } from "../../session/reauthentication.tsx";
import card from "../../shell/card.module.css";
import { Page } from "../../shell/page.tsx";
import { Question } from "../../shell/question.tsx";
import { NotFoundPage } from "../not-found.tsx";
import { UnverifiedMark } from "../unverified.tsx";
import { developerPath } from "./addresses.ts";
import { AppForm, detailsOf } from "./app-form.tsx";
import { codeToPaste } from "./code-to-paste.ts";
import { CopyButton } from "./copy-button.tsx";
import styles from "./developer.module.css";
import { kindWords } from "./kinds.ts";

export interface AppPageProps {
  readonly clientId: string;
  /** What was given out just now. */
  readonly issued: RegisteredClient | null;
  readonly onIssued: (issued: RegisteredClient) => void;
  readonly onDeleted: (app: OAuthClient) => void;
}

export const AppPage = ({ clientId, ...rest }: AppPageProps) => {
  const list = useQuery(trpc.client.list.queryOptions());
  const failure = list.error && readFailure("client.list", list.error);
  if (failure && !list.data) {
    return (
      <Page title="App">
        <FailureNotice failure={failure} onRetry={() => void list.refetch()} retrying={list.isFetching} />
      </Page>
    );
  }
  if (!list.data) return <Skeleton height="24rem" maw="60rem" mx="auto" radius="0.875rem" />;
  const app = list.data.find(({ id }) => id === clientId);
  return app ? <Registered key={app.id} app={app} {...rest} /> : <NotFoundPage />;
};

type RegisteredProps = Omit<AppPageProps, "clientId"> & {
  readonly app: OAuthClient;
};

const Registered = ({ app, issued, onIssued, onDeleted }: RegisteredProps) => (
  <Page
    title={app.name}
    lead={
      <>
        {clientKinds[app.kind]}. {!app.verified && <UnverifiedMark />}
      </>
    }
  >
    <p className={styles.back}>
      <Link href={developerPath}>All your apps</Link>
    </p>
    <Identity app={app} issued={issued} onIssued={onIssued} />
    <Code app={app} />
    <Change app={app} />
    <Delete app={app} onDeleted={() => onDeleted(app)} />
  </Page>
);

const Identity = ({ app, issued, onIssued }: Omit<RegisteredProps, "onDeleted">) => {
  const notice = useRef<HTMLDivElement>(null);
  const [asking, setAsking] = useState(false);
  const reauthentication = useReauthentication({ purpose: "Making another secret" });
  const rotate = useMutation({
    mutationFn: () =>
      reauthentication.attempt("client.rotateSecret", () => client.client.rotateSecret.mutate({ clientId: app.id })),
    onSuccess(answer) {
      setAsking(false);
      if (answer) onIssued(answer);
    },
  });
  const secret = issued?.secret ?? null;
  useEffect(() => {
    if (secret !== null) notice.current?.focus();
  }, [secret]);
  return (
    <section className={card.card} aria-labelledby="identity-title">
      <h2 id="identity-title" className={card.cardTitle}>
        What it is known by
      </h2>
      <dl className={styles.values}>
        <Value label="Issuer" value={location.origin} />
        <Value label="Client ID" value={app.id} />
        {secret !== null && <Value label="Client secret" value={secret} />}
      </dl>
      {secret !== null && (
        <Alert ref={notice} tabIndex={-1} color="yellow" role="status" title="Copy the secret now">
          It is shown this once. Keep it where only your server can read it, and out of your source code.
        </Alert>
      )}
      {kindWords[app.kind].keepsSecret && app.jwksUri === null && secret === null && (
        <div className={styles.secret}>
          <p className={styles.sentence}>The client secret was shown once, when it was made.</p>
          <Button variant="default" size="sm" onClick={() => setAsking(true)}>
            Make another secret
          </Button>
        </div>
      )}
      {asking && (
        <Question
          title="Make another secret?"
          text="The secret that the app uses now ends at once: it cannot sign anybody in until it has the new one."
          confirmLabel={rotate.isPending ? "Making it…" : "Make another secret"}
          busy={rotate.isPending}
          failure={rotate.error && readFailure("client.rotateSecret", rotate.error)}
          failureKey={rotate.submittedAt}
          onConfirm={() => rotate.mutate()}
          onCancel={() => setAsking(false)}
        />
      )}
      {reauthentication.dialog}
    </section>
  );
};

const Value = ({ label, value }: { label: string; value: string }) => (
  <div className={styles.value}>
    <dt>{label}</dt>
    <dd>
      <code>{value}</code>
      <CopyButton text={value} label={label.toLowerCase()} />
    </dd>
  </div>
);

const Code = ({ app }: { app: OAuthClient }) => {
  const { sentence, code } = codeToPaste(app.kind, app, location.origin);
  return (
    <section className={card.card} aria-labelledby="code-title">
      <div className={styles.head}>
        <h2 id="code-title" className={`${card.cardTitle} ${styles.title}`}>
          Code to begin with
        </h2>
        <CopyButton text={code} label="code" />
      </div>
      <p className={styles.sentence}>{sentence}</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, by keyboard as well */}
      <section className={styles.code} aria-label="Code" tabIndex={0}>
        <pre>{code}</pre>
      </section>
    </section>
  );
};

const Change = ({ app }: Pick<RegisteredProps, "app">) => {
  const queryClient = useQueryClient();
  const reauthentication = useReauthentication({ purpose: "Changing an app" });
  const update = useMutation({
    mutationFn: (input: RegisterClientInput) =>
      reauthentication.attempt("client.update", () => client.client.update.mutate({ ...input, clientId: app.id })),
    onSuccess(changed) {
      if (!changed) return;
      queryClient.setQueryData(trpc.client.list.queryKey(), (list) =>
        list?.map((one) => (one.id === changed.id ? changed : one)),
      );
    },
  });
  return (
    <>
      <AppForm
        title="Details"
        note={
          app.verified &&
          "This app is verified. A change takes that away until an operator has looked at it again, and everybody who uses it is asked again."
        }
        initial={detailsOf(app)}
        unshown={app}
        kindIsSettled
        submitLabel={update.isPending ? "Saving…" : "Save changes"}
        busy={update.isPending}
        failure={update.error && readFailure("client.update", update.error)}
        outcome={update.data ? "Saved" : undefined}
        onChange={() => !update.isPending && update.reset()}
        onSubmit={(input) => update.mutate(input)}
      />
      {reauthentication.dialog}
    </>
  );
};

const Delete = ({ app, onDeleted }: Pick<RegisteredProps, "app"> & { onDeleted: () => void }) => {
  const queryClient = useQueryClient();
  const [asking, setAsking] = useState(false);
  const reauthentication = useReauthentication({ purpose: "Deleting an app" });
  const hasGone = () => {
    onDeleted();
    queryClient.setQueryData(trpc.client.list.queryKey(), (list) => list?.filter(({ id }) => id !== app.id));
  };
  const remove = useMutation({
    mutationFn: () =>
      reauthentication.attempt("client.delete", () => client.client.delete.mutate({ clientId: app.id })),
    onSuccess(answer) {
      if (answer) hasGone();
    },
    onError(error) {
      // Gone already: that is what was wanted.
      if (readFailure("client.delete", error).code === "CLIENT_NOT_FOUND") hasGone();
    },
  });
  return (
    <section className={card.card} aria-labelledby="delete-title">
      <h2 id="delete-title" className={card.cardTitle}>
        Delete it
      </h2>
      <p className={styles.sentence}>Everybody who let it in is rid of it at once. There is no way back.</p>
      <div className={styles.submit}>
        <Button variant="default" size="sm" onClick={() => setAsking(true)}>
          Delete {app.name}
        </Button>
      </div>
      {asking && (
        <Question
          title={`Delete ${app.name}?`}
          text="It stops working at once, for everybody who uses it."
          confirmLabel={remove.isPending ? "Deleting…" : "Delete"}
          busy={remove.isPending}
          failure={remove.error && readFailure("client.delete", remove.error)}
          failureKey={remove.submittedAt}
          onConfirm={() => remove.mutate()}
          onCancel={() => setAsking(false)}
        />
      )}
      {reauthentication.dialog}
    </section>
  );
};
