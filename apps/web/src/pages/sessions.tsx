// The sessions page: where the account is signed in, how to end that, and what happened to it lately.

import type { SessionView } from "@lockstep/kit";
import { Button, Skeleton } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { trpc } from "../backend.ts";
import { readFailure } from "../failures/failure.ts";
import { FailureNotice } from "../failures/failure-notice.tsx";
import { dropOtherSessions, dropSession } from "../session/live-sessions.ts";
import { news, useNews } from "../session/news.ts";
import card from "../shell/card.module.css";
import { Dialog, DialogActions } from "../shell/dialog.tsx";
import { Page } from "../shell/page.tsx";
import { type Device, deviceOf } from "../words/device.ts";
import { Ago } from "../words/moment.tsx";
import { RecentActivity } from "./recent-activity.tsx";
import styles from "./sessions.module.css";

export const SessionsPage = () => (
  <Page title="Sessions" lead="Where your account is signed in, and what happened to it lately.">
    <Sessions />
    <RecentActivity />
  </Page>
);

const Sessions = () => {
  const title = useRef<HTMLHeadingElement>(null);
  /** How often something was ended here. */
  const [ended, setEnded] = useState(0);
  const { sentence } = useNews();
  const list = useQuery(trpc.session.list.queryOptions());
  const revoke = useMutation(
    trpc.session.revoke.mutationOptions({
      onSuccess: (_answer, { sessionId }) => hasEnded(sessionId),
      onError(error, { sessionId }) {
        if (readFailure("session.revoke", error).code === "SESSION_NOT_FOUND") hasEnded(sessionId);
      },
    }),
  );
  const hasEnded = (sessionId: string) => {
    dropSession(sessionId);
    setEnded((before) => before + 1);
  };
  // What was said is for whoever looked on.
  useEffect(() => () => news.tell({ sentence: "" }), []);
  // The button that was pressed is gone by then, and so is its dialog.
  useEffect(() => {
    if (ended > 0) title.current?.focus();
  }, [ended]);
  const failure = list.error && readFailure("session.list", list.error);
  const revokeFailure = revoke.error && readFailure("session.revoke", revoke.error);
  const sessions = list.data && thisOneFirst(list.data);
  const others = sessions?.filter(({ current }) => !current) ?? [];

  return (
    <section className={card.card} aria-labelledby="sessions-title" aria-busy={list.isPending}>
      <div className={styles.head}>
        <h2 id="sessions-title" ref={title} tabIndex={-1} className={card.cardTitle}>
          Signed in
        </h2>
        <EndOthers count={others.length} onEnded={() => setEnded((before) => before + 1)} />
      </div>
      <p role="status" className={styles.sentence}>
        {sentence}
      </p>
      {failure && <FailureNotice failure={failure} onRetry={() => void list.refetch()} retrying={list.isFetching} />}
      {revokeFailure && revokeFailure.code !== "SESSION_NOT_FOUND" && (
        <FailureNotice key={revoke.submittedAt} failure={revokeFailure} takesFocus />
      )}
      {!sessions && !failure && <Skeleton height="9rem" radius="0.5rem" />}
      {sessions && (
        <ul className={styles.sessions}>
          {sessions.map((session) => (
            <SessionItem
              key={session.id}
              session={session}
              ending={revoke.isPending && revoke.variables.sessionId === session.id}
              onEnd={() => !revoke.isPending && revoke.mutate({ sessionId: session.id })}
            />
          ))}
        </ul>
      )}
      {sessions && others.length === 0 && <p className={styles.aside}>You are signed in nowhere else.</p>}
      {others.length > 0 && (
        <p className={styles.aside}>
          If you do not recognise one of them, end it, then <Link href="/password">change your password</Link>.
        </p>
      )}
    </section>
  );
};

const thisOneFirst = <S extends { readonly current: boolean }>(sessions: readonly S[]): S[] =>
  sessions.toSorted((a, b) => Number(b.current) - Number(a.current));

interface SessionItemProps {
  readonly session: SessionView & { readonly current: boolean };
  readonly ending: boolean;
  readonly onEnd: () => void;
}

const SessionItem = ({ session, ending, onEnd }: SessionItemProps) => {
  const device = deviceOf(session.userAgent);
  return (
    <li className={styles.session}>
      <DeviceIcon kind={device.kind} />
      <div className={styles.facts}>
        <p className={styles.device}>
          {device.name}
          {session.current && <span className={styles.current}>This one</span>}
        </p>
        <p className={styles.fact}>{session.address ?? "Address unknown"}</p>
        <p className={styles.fact}>
          Signed in <Ago at={session.createdAt} />,{" "}
          <span className={styles.seen}>
            last seen <Ago at={session.lastSeenAt} />
          </span>
        </p>
      </div>
      {!session.current && (
        <Button
          variant="default"
          size="sm"
          aria-disabled={ending}
          aria-label={`End the session of ${device.name}${session.address ? `, ${session.address}` : ""}`}
          onClick={onEnd}
        >
          {ending ? "Ending…" : "End"}
        </Button>
      )}
    </li>
  );
};

const shapes = {
  desktop: "M4 5h16v10H4zM2 19h20",
  handheld: "M7 3h10v18H7zM11 18h2",
  program: "M4 4h16v16H4zM8 9l3 3-3 3M13 15h3",
} as const satisfies Record<Device["kind"], string>;

const DeviceIcon = ({ kind }: { kind: Device["kind"] }) => (
  <svg viewBox="0 0 24 24" width="24" height="24" className={styles.icon} aria-hidden="true" focusable="false">
    <path
      d={shapes[kind]}
      fill="none"
      stroke="currentColor"
      strokeWidth="1.75"
      strokeLinecap="round"
      strokeLinejoin="round"
    />
  </svg>
);

const EndOthers = ({ count, onEnded }: { count: number; onEnded: () => void }) => {
  const [asking, setAsking] = useState(false);
  const revokeOthers = useMutation(
    trpc.session.revokeOthers.mutationOptions({
      onSuccess() {
        setAsking(false);
        onEnded();
        dropOtherSessions();
      },
    }),
  );
  const failure = revokeOthers.error && readFailure("session.revokeOthers", revokeOthers.error);
  return (
    <>
      {count > 0 && (
        <Button variant="default" size="sm" onClick={() => setAsking(true)}>
          End all others
        </Button>
      )}
      {asking && (
        <Dialog title="End all other sessions?" onCancel={() => setAsking(false)}>
          <p>
            {count === 1 ? "The one other session ends" : `The ${count} other sessions end`} at once. Whoever uses{" "}
            {count === 1 ? "it" : "them"} has to sign in again. This one stays.
          </p>
          {failure && (
            <div className={styles.dialogFailure}>
              <FailureNotice key={revokeOthers.submittedAt} failure={failure} takesFocus />
            </div>
          )}
          <DialogActions>
            <Button variant="default" onClick={() => setAsking(false)}>
              Cancel
            </Button>
            <Button
              aria-disabled={revokeOthers.isPending}
              onClick={() => !revokeOthers.isPending && revokeOthers.mutate()}
            >
              {revokeOthers.isPending ? "Ending…" : "End them"}
            </Button>
          </DialogActions>
        </Dialog>
      )}
    </>
  );
};
