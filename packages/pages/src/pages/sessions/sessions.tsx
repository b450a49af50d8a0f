// The sessions page: where the account is signed in, how to end sessions, and its recent activity.

import type { SessionView } from "@lockstep/kit";
import { Button, Skeleton } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import {
  Ago,
  cardClasses,
  type Device,
  FailureNotice,
  Icon,
  Mark,
  Page,
  paths,
  Question,
  useBackend,
  useDevices,
  useSessionChanges,
  useWords,
} from "../../parts.ts";
import { RecentActivity } from "./recent-activity.tsx";
import styles from "./sessions.module.css";
import { sessionsWords } from "./words.tsx";

export const SessionsPage = () => {
  const { title, lead } = useWords("sessions", sessionsWords);
  return (
    <Page title={title} lead={lead}>
      <Sessions />
      <RecentActivity />
    </Page>
  );
};

const Sessions = () => {
  const { trpc, readFailure } = useBackend();
  const words = useWords("sessions", sessionsWords);
  const { drop, dropOthers } = useSessionChanges();
  const title = useRef<HTMLHeadingElement>(null);
  /** How many times this page ended sessions. */
  const [ended, setEnded] = useState(0);
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
    drop(sessionId);
    setEnded((before) => before + 1);
  };
  // By then, the dialog and the button that opened it are gone.
  useEffect(() => {
    if (ended > 0) title.current?.focus();
  }, [ended]);
  const failure = list.error && readFailure("session.list", list.error);
  const revokeFailure = revoke.error && readFailure("session.revoke", revoke.error);
  const sessions = list.data && currentFirst(list.data);
  const others = sessions?.filter(({ current }) => !current) ?? [];

  return (
    <section className={cardClasses.card} aria-labelledby="sessions-title" aria-busy={list.isPending}>
      <div className={styles.head}>
        <h2 id="sessions-title" ref={title} tabIndex={-1} className={cardClasses.cardTitle}>
          {words.listTitle}
        </h2>
        <EndOthers
          count={others.length}
          onEnded={() => {
            setEnded((before) => before + 1);
            dropOthers();
          }}
        />
      </div>
      <LatestNews />
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
      {sessions && others.length === 0 && <p className={styles.aside}>{words.nowhereElse}</p>}
      {others.length > 0 && (
        <p className={styles.aside}>{words.unrecognised(<Link href={paths.password}>{words.changePassword}</Link>)}</p>
      )}
    </section>
  );
};

const currentFirst = <S extends { readonly current: boolean }>(sessions: readonly S[]): S[] =>
  sessions.toSorted((a, b) => Number(b.current) - Number(a.current));

/** The last thing that happened to one of the sessions while the page is open. */
const LatestNews = () => {
  const { news } = useWords("sessions", sessionsWords);
  const deviceOf = useDevices();
  const { latest, forgetLatest } = useSessionChanges();
  useEffect(() => forgetLatest, []);
  return (
    <p role="status" className={styles.sentence}>
      {latest &&
        (latest.type === "othersEnded" ? news.othersEnded : news[latest.type](deviceOf(latest.userAgent).name))}
    </p>
  );
};

interface SessionItemProps {
  readonly session: SessionView & { readonly current: boolean };
  readonly ending: boolean;
  readonly onEnd: () => void;
}

const SessionItem = ({ session, ending, onEnd }: SessionItemProps) => {
  const words = useWords("sessions", sessionsWords);
  const device = useDevices()(session.userAgent);
  return (
    <li className={styles.session}>
      <span className={styles.icon}>
        <Icon shape={shapes[device.kind]} />
      </span>
      <div className={styles.facts}>
        <p className={styles.device}>
          {device.name}
          {session.current && <Mark>{words.thisOne}</Mark>}
        </p>
        <p className={styles.fact}>{session.address ?? words.unknownAddress}</p>
        <p className={styles.fact}>
          {words.signedIn} <Ago at={session.createdAt} />,{" "}
          <span className={styles.seen}>
            {words.lastSeen} <Ago at={session.lastSeenAt} />
          </span>
        </p>
      </div>
      {!session.current && (
        <Button
          variant="default"
          size="sm"
          aria-disabled={ending}
          aria-label={words.endOf(device.name, session.address)}
          onClick={onEnd}
        >
          {ending ? words.ending : words.end}
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

const EndOthers = ({ count, onEnded }: { count: number; onEnded: () => void }) => {
  const { trpc, readFailure } = useBackend();
  const { endOthers, endOthersQuestion: words } = useWords("sessions", sessionsWords);
  const [asking, setAsking] = useState(false);
  const revokeOthers = useMutation(
    trpc.session.revokeOthers.mutationOptions({
      onSuccess() {
        setAsking(false);
        onEnded();
      },
    }),
  );
  return (
    <>
      {count > 0 && (
        <Button variant="default" size="sm" onClick={() => setAsking(true)}>
          {endOthers}
        </Button>
      )}
      {asking && (
        <Question
          title={words.title}
          text={words.text(count)}
          confirmLabel={revokeOthers.isPending ? words.confirming : words.confirm}
          busy={revokeOthers.isPending}
          failure={revokeOthers.error && readFailure("session.revokeOthers", revokeOthers.error)}
          failureKey={revokeOthers.submittedAt}
          onConfirm={() => revokeOthers.mutate()}
          onCancel={() => setAsking(false)}
        />
      )}
    </>
  );
};
