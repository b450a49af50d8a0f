// The list of the apps that a developer has registered.

import type { OAuthClient } from "@lockstep/kit";
import { Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { ButtonLink, cardClasses, FailureNotice, Page, UnverifiedMark, useBackend, useWords } from "../../parts.ts";
import { addressOf, registerPath } from "./addresses.ts";
import styles from "./developer.module.css";
import { developerWords } from "./words.ts";

/** `deleted`: the name of an app that was deleted just now. */
export const AppsPage = ({ deleted }: { deleted: string | null }) => {
  const { trpc, readFailure } = useBackend();
  const { title, lead, list: words } = useWords("developer", developerWords);
  const list = useQuery(trpc.client.list.queryOptions());
  const failure = list.error && readFailure("client.list", list.error);
  return (
    <Page title={title} lead={lead}>
      <section className={cardClasses.card} aria-labelledby="apps-title" aria-busy={list.isPending}>
        <div className={styles.head}>
          <h2 id="apps-title" className={`${cardClasses.cardTitle} ${styles.title}`}>
            {words.title}
          </h2>
          <ButtonLink href={registerPath}>{words.register}</ButtonLink>
        </div>
        <p role="status" className={styles.sentence}>
          {deleted !== null && words.deleted(deleted)}
        </p>
        {failure && <FailureNotice failure={failure} onRetry={() => void list.refetch()} retrying={list.isFetching} />}
        {!list.data && !failure && <Skeleton height="9rem" radius="0.5rem" />}
        {list.data?.length === 0 && <p className={styles.none}>{words.none}</p>}
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

const AppItem = ({ app: { id, name, kind, verified } }: { app: OAuthClient }) => {
  const { kinds } = useWords("developer", developerWords);
  return (
    <li className={styles.app}>
      <p className={styles.name}>
        <Link href={addressOf(id)}>{name}</Link> {!verified && <UnverifiedMark />}
      </p>
      <p className={styles.fact}>{kinds[kind].name}</p>
      <p className={styles.fact}>
        <code>{id}</code>
      </p>
    </li>
  );
};
