// The list of the applications that a developer has registered.

import { type Application, applicationKinds } from "@lockstep/kit";
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
export const ApplicationsPage = ({ deleted }: { deleted: string | null }) => {
  const list = useQuery(trpc.application.list.queryOptions());
  const failure = list.error && readFailure("application.list", list.error);
  return (
    <Page title="Developer" lead="Applications of yours that ask people for access to their accounts here.">
      <section className={card.card} aria-labelledby="applications-title" aria-busy={list.isPending}>
        <div className={styles.head}>
          <h2 id="applications-title" className={`${card.cardTitle} ${styles.title}`}>
            Your applications
          </h2>
          <ButtonLink href={registerPath}>Register an application</ButtonLink>
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
          <ul className={styles.applications}>
            {list.data.map((application) => (
              <ApplicationItem key={application.id} application={application} />
            ))}
          </ul>
        )}
      </section>
    </Page>
  );
};

const ApplicationItem = ({ application: { id, name, kind, verified } }: { application: Application }) => (
  <li className={styles.application}>
    <p className={styles.name}>
      <Link href={addressOf(id)}>{name}</Link> {!verified && <UnverifiedMark />}
    </p>
    <p className={styles.fact}>{applicationKinds[kind]}</p>
    <p className={styles.fact}>
      <code>{id}</code>
    </p>
  </li>
);
