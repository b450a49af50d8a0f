// The list of the apps that a developer has registered.

import { clientKinds, type OAuthClient } from "@lockstep/kit";
import { Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { trpc } from "../../backend.ts";
import { readFailure } from "../../failures/failure.ts";
import { FailureNotice } from "../../failures/failure-notice.tsx";
import { ButtonLink } from "../../shell/button-link.tsx";
import card from "../../shell/card.module.css";
import { Page } from "../../shell/page.tsx";
import { UnverifiedMark } from "../unverified.tsx";
import { addressOf, registerPath } from "./addresses.ts";
import styles from "./developer.module.css";

/** `deleted` is the name of one that was there just now. */
export const AppsPage = ({ deleted }: { deleted: string | null }) => {
  const list = useQuery(trpc.client.list.queryOptions());
  const failure = list.error && readFailure("client.list", list.error);
  return (
    <Page title="Developer" lead="Apps of yours that ask people for access to their accounts here.">
      <section className={card.card} aria-labelledby="apps-title" aria-busy={list.isPending}>
        <div className={styles.head}>
          <h2 id="apps-title" className={`${card.cardTitle} ${styles.title}`}>
            Your apps
          </h2>
          <ButtonLink href={registerPath}>Register an app</ButtonLink>
        </div>
        <p role="status" className={styles.sentence}>
          {deleted !== null && `${deleted} was deleted.`}
        </p>
        {failure && <FailureNotice failure={failure} onRetry={() => void list.refetch()} retrying={list.isFetching} />}
        {!list.data && !failure && <Skeleton height="9rem" radius="0.5rem" />}
        {list.data?.length === 0 && (
          <p className={styles.none}>
            None yet. Registering one takes a minute, and gives you its client ID and code that works.
          </p>
        )}
        {list.data && list.data.length > 0 && (
          <ul className={styles.apps}>
            {list.data.map((app) => (
              <AppItem key={app.id} app={app} />
            ))}
          </ul>
        )}
      </section>
    </Page>
  );
};

const AppItem = ({ app: { id, name, kind, verified } }: { app: OAuthClient }) => (
  <li className={styles.app}>
    <p className={styles.name}>
      <Link href={addressOf(id)}>{name}</Link> {!verified && <UnverifiedMark />}
    </p>
    <p className={styles.fact}>{clientKinds[kind]}</p>
    <p className={styles.fact}>
      <code>{id}</code>
    </p>
  </li>
);
