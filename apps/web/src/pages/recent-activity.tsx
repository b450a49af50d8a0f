// What happened to the account lately, in plain words.

import type { HistoryEntry } from "@lockstep/kit";
import { Button, Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { trpc } from "../backend.ts";
import { readFailure } from "../failures/failure.ts";
import { FailureNotice } from "../failures/failure-notice.tsx";
import card from "../shell/card.module.css";
import { activityOf } from "../words/activity.ts";
import { deviceOf } from "../words/device.ts";
import { Moment } from "../words/moment.tsx";
import styles from "./sessions.module.css";

/** As many as are looked over at a glance. */
const atFirst = 8;

export const RecentActivity = () => {
  const [all, setAll] = useState(false);
  const history = useQuery(trpc.session.history.queryOptions());
  const failure = history.error && readFailure("session.history", history.error);
  const entries = history.data;
  return (
    <section className={card.card} aria-labelledby="activity-title" aria-busy={history.isPending}>
      <h2 id="activity-title" className={card.cardTitle}>
        Recent activity
      </h2>
      {failure && (
        <FailureNotice failure={failure} onRetry={() => void history.refetch()} retrying={history.isFetching} />
      )}
      {!entries && !failure && <Skeleton height="9rem" radius="0.5rem" />}
      {entries?.length === 0 && <p className={styles.aside}>Nothing yet.</p>}
      {entries && entries.length > 0 && (
        <ul className={styles.activities}>
          {entries.slice(0, all ? undefined : atFirst).map((entry) => (
            <ActivityItem key={entry.id} entry={entry} />
          ))}
        </ul>
      )}
      {entries && entries.length > atFirst && !all && (
        <Button variant="default" size="sm" className={styles.more ?? ""} onClick={() => setAll(true)}>
          Show {entries.length - atFirst} more
        </Button>
      )}
    </section>
  );
};

const ActivityItem = ({ entry }: { entry: HistoryEntry }) => {
  const { text, remarkable } = activityOf(entry);
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
