// The security page: what protects the account, and where it is in use.

import type { User } from "@lockstep/kit";
import { useQuery } from "@tanstack/react-query";
import { useId } from "react";
import { cardClasses, FailureNotice, LoadingCard, Page, useBackend, useSlots, useWords } from "../../parts.ts";
import { PendingReset } from "./pending-reset.tsx";
import { type SecuritySection, sectionsOfSignIn, sectionsOfUse } from "./sections.tsx";
import styles from "./security.module.css";
import { securityWords } from "./words.tsx";

export const SecurityPage = () => {
  const { trpc, readFailure } = useBackend();
  const words = useWords("security", securityWords);
  const { sections = [] } = useSlots("security");
  const me = useQuery(trpc.user.me.queryOptions());
  const failure = me.error && readFailure("user.me", me.error);
  if (!me.data) {
    return (
      <Page title={words.title} lead={words.lead}>
        {failure ? (
          <FailureNotice failure={failure} onRetry={() => void me.refetch()} retrying={me.isFetching} />
        ) : (
          <>
            <LoadingCard height="14rem" />
            <LoadingCard height="13rem" />
          </>
        )}
      </Page>
    );
  }
  return (
    <Page title={words.title} lead={words.lead}>
      <PendingReset />
      <Group title={words.signIn} sections={sectionsOfSignIn} user={me.data} />
      <Group title={words.use} sections={sectionsOfUse} user={me.data} />
      {sections.map((Section, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the app's list never changes
        <Section key={place} user={me.data} />
      ))}
    </Page>
  );
};

interface GroupProps {
  readonly user: User;
  readonly title: string;
  readonly sections: readonly SecuritySection[];
}

const Group = ({ title, sections, user }: GroupProps) => {
  const titleId = useId();
  return (
    <section className={cardClasses.card} aria-labelledby={titleId}>
      <h2 id={titleId} className={cardClasses.cardTitle}>
        {title}
      </h2>
      <ul className={styles.sections}>
        {sections.map((Section, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the list never changes
          <Section key={place} user={user} />
        ))}
      </ul>
    </section>
  );
};
