// The page of connected apps: what each may do, since when, and how to end its access.

import type { ConnectedClient } from "@lockstep/kit";
import { Button, Skeleton } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import {
  Ago,
  ClientIcon,
  cardClasses,
  FailureNotice,
  Page,
  Question,
  ScopeList,
  UnverifiedMark,
  useBackend,
  useWords,
} from "../../parts.ts";
import styles from "./apps.module.css";
import { appsWords } from "./words.ts";

export const AppsPage = () => {
  const { title, lead } = useWords("apps", appsWords);
  return (
    <Page title={title} lead={lead}>
      <ConnectedApps />
    </Page>
  );
};

const ConnectedApps = () => {
  const { queryClient, trpc, readFailure } = useBackend();
  const words = useWords("apps", appsWords);
  const title = useRef<HTMLHeadingElement>(null);
  const [asking, setAsking] = useState<ConnectedClient | null>(null);
  /** Names of the apps whose access was ended here. */
  const [ended, setEnded] = useState<readonly string[]>([]);
  const list = useQuery(trpc.grant.list.queryOptions());
  const failure = list.error && readFailure("grant.list", list.error);

  const hasEnded = ({ client: { id, name } }: ConnectedClient) => {
    queryClient.setQueryData(trpc.grant.list.queryKey(), (apps) => apps?.filter((app) => app.client.id !== id));
    setAsking(null);
    setEnded((before) => [...before, name]);
  };
  // By then, the dialog and the button that opened it are gone.
  useEffect(() => {
    if (ended.length > 0) title.current?.focus();
  }, [ended]);
  const last = ended.at(-1);

  return (
    <section className={cardClasses.card} aria-labelledby="apps-title" aria-busy={list.isPending}>
      <h2 id="apps-title" ref={title} tabIndex={-1} className={`${cardClasses.cardTitle} ${styles.title}`}>
        {words.listTitle}
      </h2>
      <p role="status" className={styles.sentence}>
        {last !== undefined && words.hasEnded(last)}
      </p>
      {failure && <FailureNotice failure={failure} onRetry={() => void list.refetch()} retrying={list.isFetching} />}
      {!list.data && !failure && <Skeleton height="9rem" radius="0.5rem" />}
      {list.data?.length === 0 && <p className={styles.none}>{words.none}</p>}
      {list.data && list.data.length > 0 && (
        <ul className={styles.apps}>
          {list.data.map((app) => (
            <AppItem key={app.client.id} connected={app} onEnd={() => setAsking(app)} />
          ))}
        </ul>
      )}
      {asking && <EndAccess app={asking} onEnded={() => hasEnded(asking)} onCancel={() => setAsking(null)} />}
    </section>
  );
};

const AppItem = ({ connected, onEnd }: { connected: ConnectedClient; onEnd: () => void }) => {
  const words = useWords("apps", appsWords);
  const { client: app, scopes, grantedAt, lastUsedAt } = connected;
  return (
    <li className={styles.app}>
      <ClientIcon small />
      <div className={styles.facts}>
        <h3 className={styles.name}>
          {app.name} {!app.verified && <UnverifiedMark />}
        </h3>
        <p className={styles.fact}>
          {words.allowed} <Ago at={grantedAt} />,{" "}
          <span className={styles.seen}>
            {words.lastUsed} <Ago at={lastUsedAt} />
          </span>
        </p>
        {app.uri !== null && (
          <p className={styles.fact}>
            <a href={app.uri} target="_blank" rel="noreferrer">
              {new URL(app.uri).host}
            </a>
          </p>
        )}
        <p className={styles.may}>{words.may}</p>
        <ScopeList scopes={scopes} />
      </div>
      <Button variant="default" size="sm" aria-label={words.endOf(app.name)} onClick={onEnd}>
        {words.end}
      </Button>
    </li>
  );
};

interface EndAccessProps {
  readonly app: ConnectedClient;
  readonly onEnded: () => void;
  readonly onCancel: () => void;
}

const EndAccess = ({ app: { client: app }, onEnded, onCancel }: EndAccessProps) => {
  const { trpc, readFailure } = useBackend();
  const words = useWords("apps", appsWords).question;
  const revoke = useMutation(
    trpc.grant.revoke.mutationOptions({
      onSuccess: onEnded,
      onError(error) {
        // The access had already ended, which is what the user asked for.
        if (readFailure("grant.revoke", error).code === "CLIENT_NOT_FOUND") onEnded();
      },
    }),
  );
  return (
    <Question
      title={words.title(app.name)}
      text={words.text(app.name)}
      confirmLabel={revoke.isPending ? words.confirming : words.confirm}
      busy={revoke.isPending}
      failure={revoke.error && readFailure("grant.revoke", revoke.error)}
      failureKey={revoke.submittedAt}
      onConfirm={() => revoke.mutate({ clientId: app.id })}
      onCancel={onCancel}
    />
  );
};
