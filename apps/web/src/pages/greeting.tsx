// The greeting: a route that answers nobody who is not signed in.

import { Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { trpc } from "../backend.ts";
import { readFailure } from "../failures/failure.ts";
import { FailureNotice } from "../failures/failure-notice.tsx";
import card from "../shell/card.module.css";
import { Page } from "../shell/page.tsx";
import styles from "./greeting.module.css";

export const GreetingPage = () => {
  const greeting = useQuery(trpc.demo.greeting.queryOptions());
  const failure = greeting.error && readFailure("demo.greeting", greeting.error);
  return (
    <Page title="Greeting" lead="A protected route: the server answers it to nobody who is not signed in.">
      {failure && (
        <FailureNotice failure={failure} onRetry={() => void greeting.refetch()} retrying={greeting.isFetching} />
      )}
      {(greeting.data || !failure) && (
        <section className={card.card} aria-label="What the server says" aria-busy={greeting.isPending}>
          {greeting.data ? (
            <p className={styles.message}>{greeting.data.message}</p>
          ) : (
            <Skeleton height="2rem" maw="30rem" />
          )}
          <p className={styles.source}>
            Answered by <code>demo.greeting</code>
          </p>
        </section>
      )}
    </Page>
  );
};
