// The page of one app: its credentials, code to start with, and how to change or delete it.

import type { OAuthClient, RegisterClientInput, RegisteredClient } from "@lockstep/kit";
import { Alert, Button } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import {
  cardClasses,
  FailureNotice,
  LoadingCard,
  NotFound,
  Page,
  Question,
  UnverifiedMark,
  useBackend,
  useReauthentication,
  useWords,
} from "../../parts.ts";
import { developerPath } from "./addresses.ts";
import { AppForm, detailsOf } from "./app-form.tsx";
import { codeToPaste } from "./code-to-paste.ts";
import { CopyButton } from "./copy-button.tsx";
import styles from "./developer.module.css";
import { kinds } from "./kinds.ts";
import { developerWords } from "./words.ts";

export interface AppPageProps {
  readonly appId: string;
  /** The credentials that were just issued. */
  readonly issued: RegisteredClient | null;
  readonly onIssued: (issued: RegisteredClient) => void;
  readonly onDeleted: (app: OAuthClient) => void;
}

export const AppPage = ({ appId, ...rest }: AppPageProps) => {
  const { trpc, readFailure } = useBackend();
  const { app: words } = useWords("developer", developerWords);
  const list = useQuery(trpc.client.list.queryOptions());
  const failure = list.error && readFailure("client.list", list.error);
  if (failure && !list.data) {
    return (
      <Page title={words.title}>
        <FailureNotice failure={failure} onRetry={() => void list.refetch()} retrying={list.isFetching} />
      </Page>
    );
  }
  if (!list.data) return <LoadingCard height="24rem" />;
  const app = list.data.find(({ id }) => id === appId);
  return app ? <Registered key={app.id} app={app} {...rest} /> : <NotFound />;
};

type RegisteredProps = Omit<AppPageProps, "appId"> & {
  readonly app: OAuthClient;
};

const Registered = ({ app, issued, onIssued, onDeleted }: RegisteredProps) => {
  const words = useWords("developer", developerWords);
  return (
    <Page
      title={app.name}
      back={{ path: developerPath, label: words.list.back }}
      lead={
        <>
          {words.kinds[app.kind].name}. {!app.verified && <UnverifiedMark />}
        </>
      }
    >
      <Credentials app={app} issued={issued} onIssued={onIssued} />
      <Code app={app} />
      <Change app={app} />
      <Delete app={app} onDeleted={() => onDeleted(app)} />
    </Page>
  );
};

const Credentials = ({ app, issued, onIssued }: Omit<RegisteredProps, "onDeleted">) => {
  const { client, readFailure } = useBackend();
  const words = useWords("developer", developerWords).credentials;
  const notice = useRef<HTMLDivElement>(null);
  const [asking, setAsking] = useState(false);
  const reauthentication = useReauthentication({ purpose: words.purpose });
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
    <section className={cardClasses.card} aria-labelledby="credentials-title">
      <h2 id="credentials-title" className={cardClasses.cardTitle}>
        {words.title}
      </h2>
      <dl className={styles.values}>
        <Value label={words.issuer} value={location.origin} />
        <Value label={words.clientId} value={app.id} />
        {secret !== null && <Value label={words.secret} value={secret} />}
      </dl>
      {secret !== null && (
        <Alert ref={notice} tabIndex={-1} color="yellow" role="status" title={words.copyNow}>
          {words.shownOnce}
        </Alert>
      )}
      {kinds[app.kind].keepsSecret && app.jwksUri === null && secret === null && (
        <div className={styles.secret}>
          <p className={styles.sentence}>{words.wasShown}</p>
          <Button variant="default" size="sm" onClick={() => setAsking(true)}>
            {words.replace}
          </Button>
        </div>
      )}
      {asking && (
        <Question
          title={words.question.title}
          text={words.question.text}
          confirmLabel={rotate.isPending ? words.replacing : words.replace}
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

const Code = ({ app }: Pick<RegisteredProps, "app">) => {
  const words = useWords("developer", developerWords).code;
  const { howTo, code } = codeToPaste(app.kind, app, location.origin);
  return (
    <section className={cardClasses.card} aria-labelledby="code-title">
      <div className={styles.head}>
        <h2 id="code-title" className={`${cardClasses.cardTitle} ${styles.title}`}>
          {words.title}
        </h2>
        <CopyButton text={code} label={words.copied} />
      </div>
      <p className={styles.sentence}>{words.howTo[howTo]}</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, by keyboard as well */}
      <section className={styles.code} aria-label={words.label} tabIndex={0}>
        <pre>{code}</pre>
      </section>
    </section>
  );
};

const Change = ({ app }: Pick<RegisteredProps, "app">) => {
  const { client, queryClient, trpc, readFailure } = useBackend();
  const words = useWords("developer", developerWords).change;
  const reauthentication = useReauthentication({ purpose: words.purpose });
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
        title={words.title}
        note={app.verified && words.verified}
        initial={detailsOf(app)}
        unshown={app}
        kindIsSettled
        submitLabel={update.isPending ? words.saving : words.save}
        busy={update.isPending}
        failure={update.error && readFailure("client.update", update.error)}
        failureKey={update.submittedAt}
        outcome={update.data ? words.saved : undefined}
        onChange={update.reset}
        onSubmit={(input) => update.mutate(input)}
      />
      {reauthentication.dialog}
    </>
  );
};

const Delete = ({ app, onDeleted }: Pick<RegisteredProps, "app"> & { onDeleted: () => void }) => {
  const { client, queryClient, trpc, readFailure } = useBackend();
  const words = useWords("developer", developerWords).delete;
  const [asking, setAsking] = useState(false);
  const reauthentication = useReauthentication({ purpose: words.purpose });
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
      // It was already deleted, which is what the user asked for.
      if (readFailure("client.delete", error).code === "CLIENT_NOT_FOUND") hasGone();
    },
  });
  return (
    <section className={cardClasses.card} aria-labelledby="delete-title">
      <h2 id="delete-title" className={cardClasses.cardTitle}>
        {words.title}
      </h2>
      <p className={styles.sentence}>{words.text}</p>
      <div className={styles.submit}>
        <Button variant="default" size="sm" onClick={() => setAsking(true)}>
          {words.submit(app.name)}
        </Button>
      </div>
      {asking && (
        <Question
          title={words.question.title(app.name)}
          text={words.question.text}
          confirmLabel={remove.isPending ? words.question.confirming : words.question.confirm}
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
