// The page to change one's password, or to set the first one. Either can revoke, in the same step, what was added to the
// account lately: whoever had the account may have added it.

import type { Identity, RecentAccess } from "@lockstep/kit";
import { Alert, Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { Link, useSearch } from "wouter";
import { trpc } from "../backend.ts";
import { readFailure } from "../failures/failure.ts";
import { FailureNotice } from "../failures/failure-notice.tsx";
import { SignInAgainLinks } from "../session/sign-in-again-links.tsx";
import card from "../shell/card.module.css";
import { Page } from "../shell/page.tsx";
import styles from "./password.module.css";
import { PasswordForm, type PasswordFormProps, type PasswordOutcome, signedInAgain } from "./password-form.tsx";
import { RecentAccessList } from "./recent-access.tsx";

export const PasswordPage = () => {
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
      if (!failure) return <Skeleton height="18rem" radius="0.875rem" />;
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
    <Page title="Password" lead="A new password ends your sessions everywhere else.">
      <div className={styles.column}>{content()}</div>
    </Page>
  );
};

interface PasswordFormsProps extends Omit<PasswordFormProps, "first"> {
  readonly methods: { readonly hasPassword: boolean; readonly identities: readonly Identity[] };
}

const PasswordForms = ({ methods: { hasPassword, identities }, ...props }: PasswordFormsProps) => {
  const cameBack = useSearch() === signedInAgain.search;
  if (hasPassword || cameBack) return <PasswordForm {...props} first={!hasPassword} />;
  // First, or it would be typed for nothing: the way to an identity provider leaves this page.
  return (
    <section className={card.card} aria-labelledby="password-title">
      <h2 id="password-title" className={card.cardTitle}>
        Set a password
      </h2>
      <div className={card.fields}>
        <p className={styles.sentence}>Your account has none yet. Before you set one, prove that it is you.</p>
        <SignInAgainLinks identities={identities} returnTo={signedInAgain.path} />
      </div>
    </section>
  );
};

const Confirmation = ({ outcome, recent }: { outcome: PasswordOutcome; recent: RecentAccess }) => {
  const notice = useRef<HTMLDivElement>(null);
  useEffect(() => notice.current?.focus(), []);
  return (
    <div className={styles.confirmation}>
      <Alert ref={notice} tabIndex={-1} role="status" title={`Your password has been ${outcome}`}>
        Your other sessions have ended. <Link href="/sessions">See your sessions</Link>
      </Alert>
      <RecentAccessList recent={recent} />
    </div>
  );
};
