// The page to change the password, or to set the first one. Both can also revoke access that was recently added to the
// account, because somebody else may have added it.

import type { Identity, RecentAccess } from "@lockstep/kit";
import { Alert } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { Link, useSearch } from "wouter";
import {
  cardClasses,
  FailureNotice,
  LoadingCard,
  Page,
  paths,
  SignInAgainLinks,
  useBackend,
  useWords,
} from "../../parts.ts";
import styles from "./password.module.css";
import { PasswordForm, type PasswordFormProps, type PasswordOutcome, signedInAgain } from "./password-form.tsx";
import { RecentAccessList } from "./recent-access.tsx";
import { passwordWords } from "./words.tsx";

export const PasswordPage = () => {
  const { trpc, readFailure } = useBackend();
  const { title, lead, back } = useWords("password", passwordWords);
  const [outcome, setOutcome] = useState<PasswordOutcome | null>(null);
  const me = useQuery(trpc.user.me.queryOptions());
  const methods = useQuery(trpc.identity.list.queryOptions());
  const recent = useQuery(trpc.user.recentAccess.queryOptions());
  const grants = useQuery(trpc.grant.list.queryOptions());
  const queries = [me, methods, recent, grants];
  const failure =
    (me.error && readFailure("user.me", me.error)) ??
    (methods.error && readFailure("identity.list", methods.error)) ??
    (recent.error && readFailure("user.recentAccess", recent.error)) ??
    (grants.error && readFailure("grant.list", grants.error));

  const content = () => {
    if (!me.data || !methods.data || !recent.data || !grants.data) {
      if (!failure) return <LoadingCard height="18rem" />;
      const retry = () => void Promise.all(queries.map((query) => query.refetch()));
      return (
        <FailureNotice failure={failure} onRetry={retry} retrying={queries.some(({ isFetching }) => isFetching)} />
      );
    }
    if (outcome) return <Confirmation outcome={outcome} recent={recent.data} />;
    return (
      <PasswordForms
        user={me.data}
        methods={methods.data}
        recent={recent.data}
        grants={grants.data}
        onDone={setOutcome}
      />
    );
  };
  return (
    <Page title={title} lead={lead} back={{ path: paths.security, label: back }}>
      <div className={styles.column}>{content()}</div>
    </Page>
  );
};

interface PasswordFormsProps extends Omit<PasswordFormProps, "first"> {
  readonly methods: { readonly hasPassword: boolean; readonly identities: readonly Identity[] };
}

const PasswordForms = ({ methods: { hasPassword, identities }, ...props }: PasswordFormsProps) => {
  const words = useWords("password", passwordWords).set;
  const cameBack = useSearch() === signedInAgain.search;
  if (hasPassword || cameBack) return <PasswordForm {...props} first={!hasPassword} />;
  // This comes first: reauthenticating leaves this page, and typed input would be lost.
  return (
    <section className={cardClasses.card} aria-labelledby="password-title">
      <h2 id="password-title" className={cardClasses.cardTitle}>
        {words.title}
      </h2>
      <div className={cardClasses.fields}>
        <p className={styles.sentence}>{words.proveFirst}</p>
        <SignInAgainLinks identities={identities} returnTo={signedInAgain.path} />
      </div>
    </section>
  );
};

const Confirmation = ({ outcome, recent }: { outcome: PasswordOutcome; recent: RecentAccess }) => {
  const words = useWords("password", passwordWords);
  const notice = useRef<HTMLDivElement>(null);
  useEffect(() => notice.current?.focus(), []);
  return (
    <div className={styles.confirmation}>
      <Alert ref={notice} tabIndex={-1} role="status" title={words[outcome].done}>
        {words.othersEnded} <Link href={paths.sessions}>{words.seeSessions}</Link>
      </Alert>
      <RecentAccessList recent={recent} />
    </div>
  );
};
