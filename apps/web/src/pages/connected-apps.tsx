// The page of the apps that a person has let in: what each may do, since when, and how to end it.

import type { ConnectedClient } from "@lockstep/kit";
import { Button, Skeleton } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { trpc } from "../backend.ts";
import { readFailure } from "../failures/failure.ts";
import { FailureNotice } from "../failures/failure-notice.tsx";
import card from "../shell/card.module.css";
import { Dialog, DialogActions } from "../shell/dialog.tsx";
import { Page } from "../shell/page.tsx";
import { Ago } from "../words/moment.tsx";
import styles from "./connected-apps.module.css";
import { ScopeList } from "./scope-list.tsx";
import { UnverifiedMark } from "./unverified.tsx";

export const ConnectedAppsPage = () => (
  <Page title="Connected apps" lead="Apps that you allowed into your account, and what they may do there.">
    <ConnectedApps />
  </Page>
);

const ConnectedApps = () => {
  const queryClient = useQueryClient();
  const title = useRef<HTMLHeadingElement>(null);
  const [asking, setAsking] = useState<ConnectedClient | null>(null);
  const [ended, setEnded] = useState<readonly string[]>([]);
  const list = useQuery(trpc.grant.list.queryOptions());
  const failure = list.error && readFailure("grant.list", list.error);

  const hasEnded = ({ client: { id, name } }: ConnectedClient) => {
    queryClient.setQueryData(trpc.grant.list.queryKey(), (apps) => apps?.filter((app) => app.client.id !== id));
    setAsking(null);
    setEnded((before) => [...before, name]);
  };
  // The button that was pressed is gone by then, and so is its dialog.
  useEffect(() => {
    if (ended.length > 0) title.current?.focus();
  }, [ended]);

  return (
    <section className={card.card} aria-labelledby="apps-title" aria-busy={list.isPending}>
      <h2 id="apps-title" ref={title} tabIndex={-1} className={`${card.cardTitle} ${styles.title}`}>
        Allowed in
      </h2>
      <p role="status" className={styles.sentence}>
        {ended.length > 0 && `${ended.at(-1)} has no access any more.`}
      </p>
      {failure && <FailureNotice failure={failure} onRetry={() => void list.refetch()} retrying={list.isFetching} />}
      {!list.data && !failure && <Skeleton height="9rem" radius="0.5rem" />}
      {list.data?.length === 0 && (
        <p className={styles.none}>None. When an app asks for access and you allow it, it is listed here.</p>
      )}
      {list.data && list.data.length > 0 && (
        <ul className={styles.apps}>
          {list.data.map((app) => (
            <AppItem key={app.client.id} app={app} onEnd={() => setAsking(app)} />
          ))}
        </ul>
      )}
      {asking && <EndAccess app={asking} onEnded={() => hasEnded(asking)} onCancel={() => setAsking(null)} />}
    </section>
  );
};

const AppItem = ({ app: connected, onEnd }: { app: ConnectedClient; onEnd: () => void }) => {
  const { client: app, scopes, grantedAt, lastUsedAt } = connected;
  return (
    <li className={styles.app}>
      <div className={styles.facts}>
        <h3 className={styles.name}>
          {app.name} {!app.verified && <UnverifiedMark />}
        </h3>
        <p className={styles.fact}>
          Allowed <Ago at={grantedAt} />,{" "}
          <span className={styles.seen}>
            last used <Ago at={lastUsedAt} />
          </span>
        </p>
        {app.uri !== null && (
          <p className={styles.fact}>
            <a href={app.uri} target="_blank" rel="noreferrer">
              {new URL(app.uri).host}
            </a>
          </p>
        )}
        <p className={styles.may}>It may</p>
        <ScopeList scopes={scopes} />
      </div>
      <Button variant="default" size="sm" aria-label={`End access of ${app.name}`} onClick={onEnd}>
        End access
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
  const revoke = useMutation(
    trpc.grant.revoke.mutationOptions({
      onSuccess: onEnded,
      onError(error) {
        // Ended already: that is what was wanted.
        if (readFailure("grant.revoke", error).code === "CLIENT_NOT_FOUND") onEnded();
      },
    }),
  );
  const failure = revoke.error && readFailure("grant.revoke", revoke.error);
  return (
    <Dialog title={`End the access of ${app.name}?`} onCancel={onCancel}>
      <p>It stops at once. {app.name} keeps what it has read so far, and may ask you for access again.</p>
      {failure && (
        <div className={styles.failure}>
          <FailureNotice key={revoke.submittedAt} failure={failure} takesFocus />
        </div>
      )}
      <DialogActions>
        <Button variant="default" onClick={onCancel}>
          Cancel
        </Button>
        <Button
          aria-disabled={revoke.isPending}
          onClick={() => !revoke.isPending && revoke.mutate({ clientId: app.id })}
        >
          {revoke.isPending ? "Ending…" : "End access"}
        </Button>
      </DialogActions>
    </Dialog>
  );
};
