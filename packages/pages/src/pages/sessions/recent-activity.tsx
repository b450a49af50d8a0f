// The recent activity of the account.

import type { HistoryEntry } from "@lockstep/kit";
import { Button, Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { cardClasses, FailureNotice, Moment, useBackend, useDevices, useWords } from "../../parts.ts";
import { activityOf } from "./activity.ts";
import styles from "./sessions.module.css";
import { sessionsWords } from "./words.tsx";

/** How many are shown at first. */
const atFirst = 8;

export const RecentActivity = () => {
  const { trpc, readFailure } = useBackend();
  const words = useWords("sessions", sessionsWords).activity;
  const [all, setAll] = useState(false);
  const history = useQuery(trpc.session.history.queryOptions());
  const failure = history.error && readFailure("session.history", history.error);
  const entries = history.data;
  return (
    <section className={cardClasses.card} aria-labelledby="activity-title" aria-busy={history.isPending}>
      <h2 id="activity-title" className={cardClasses.cardTitle}>
        {words.title}
      </h2>
      {failure && (
        <FailureNotice failure={failure} onRetry={() => void history.refetch()} retrying={history.isFetching} />
      )}
      {!entries && !failure && <Skeleton height="9rem" radius="0.5rem" />}
      {entries?.length === 0 && <p className={styles.aside}>{words.none}</p>}
      {entries && entries.length > 0 && (
        <ul className={styles.activities}>
          {entries.slice(0, all ? undefined : atFirst).map((entry) => (
            <ActivityItem key={entry.id} entry={entry} />
          ))}
        </ul>
      )}
      {entries && entries.length > atFirst && !all && (
        <Button variant="default" size="sm" className={styles.more ?? ""} onClick={() => setAll(true)}>
          {words.more(entries.length - atFirst)}
        </Button>
      )}
    </section>
  );
};

const ActivityItem = ({ entry }: { entry: HistoryEntry }) => {
  const words = useWords("sessions", sessionsWords).activity;
  const deviceOf = useDevices();
  const { text, remarkable } = activityOf(entry, words);
  return (
    <li className={styles.activity}>
      <div>
        <p className={remarkable ? `${styles.what} ${styles.remarkable}` : styles.what}>{text}</p>
        <p className={styles.fact}>
          {deviceOf(entry.userAgent).name}
          {entry.address && `, ${entry.address}`}
        </p>
      </div>
      <p className={styles.fact}>
        <Moment at={entry.at} />
      </p>
    </li>
  );
};
