// The linked accounts page: which accounts elsewhere open this one, and linking and unlinking them.

import type { Identity } from "@lockstep/kit";
import { Alert, Button, Skeleton } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { Link, useSearch } from "wouter";
import { client, queryClient, trpc } from "../backend.ts";
import { readFailure } from "../failures/failure.ts";
import { FailureNotice } from "../failures/failure-notice.tsx";
import { LoginProblemNotice } from "../session/login-problem.tsx";
import { useReauthentication } from "../session/reauthentication.tsx";
import { useProviders } from "../session/use-providers.ts";
import card from "../shell/card.module.css";
import { Page } from "../shell/page.tsx";
import { Question } from "../shell/question.tsx";
import { Moment } from "../words/moment.tsx";
import styles from "./sessions.module.css";

const path = "/linked-accounts";

export const LinkedAccountsPage = () => {
  const linked = new URLSearchParams(useSearch()).get("linked");
  const provider = useProviders().find(({ name }) => name === linked);
  return (
    <Page title="Linked accounts" lead="Accounts elsewhere that you can sign in with here.">
      <LoginProblemNotice />
      {provider && <Alert role="status">{provider.label} is linked. You can sign in with it from now on.</Alert>}
      <LinkedAccounts />
    </Page>
  );
};

const LinkedAccounts = () => {
  const title = useRef<HTMLHeadingElement>(null);
  const providers = useProviders();
  const list = useQuery(trpc.identity.list.queryOptions());
  const failure = list.error && readFailure("identity.list", list.error);
  const identities = list.data?.identities ?? [];
  const [asking, setAsking] = useState<Identity | null>(null);
  const reauthentication = useReauthentication({ purpose: "Changing how you sign in" });

  const link = useMutation({
    mutationFn: (provider: string) =>
      reauthentication.attempt("identity.link", async () => {
        const { continueAt } = await client.identity.link.mutate({ provider, returnTo: `${path}?linked=${provider}` });
        location.assign(continueAt);
      }),
  });
  const unlink = useMutation({
    mutationFn: (identityId: string) =>
      reauthentication.attempt("identity.unlink", () => client.identity.unlink.mutate({ identityId })),
    onSuccess(answer) {
      if (answer) setAsking(null);
    },
    onError(error) {
      // Unlinked already: that is what was wanted.
      if (readFailure("identity.unlink", error).code === "IDENTITY_NOT_FOUND") setAsking(null);
    },
    onSettled: () => queryClient.invalidateQueries({ queryKey: trpc.identity.list.queryKey() }),
  });
  const refused = link.error && readFailure("identity.link", link.error);
  // The button that was pressed is gone by then.
  useEffect(() => {
    if (unlink.data) title.current?.focus();
  }, [unlink.data, unlink.submittedAt]);
  const onlyWayIn = list.data?.hasPassword === false && identities.length === 1;
  const unlinked = providers.filter(({ name }) => !identities.some(({ provider }) => provider.name === name));

  return (
    <section className={card.card} aria-labelledby="linked-title" aria-busy={list.isPending}>
      <h2 id="linked-title" ref={title} tabIndex={-1} className={card.cardTitle}>
        You can sign in with
      </h2>
      {failure && <FailureNotice failure={failure} onRetry={() => void list.refetch()} retrying={list.isFetching} />}
      {refused && <FailureNotice key={link.submittedAt} failure={refused} takesFocus />}
      {!list.data && !failure && <Skeleton height="9rem" radius="0.5rem" />}
      <ul className={styles.sessions}>
        {identities.map((identity) => (
          <LinkedAccount
            key={identity.id}
            identity={identity}
            onUnlink={onlyWayIn ? null : () => setAsking(identity)}
          />
        ))}
      </ul>
      {list.data && identities.length === 0 && <p className={styles.aside}>No account elsewhere is linked yet.</p>}
      {onlyWayIn && (
        <p className={styles.aside}>
          This is your only way to sign in: link another or <Link href="/password">set a password</Link> before you
          unlink it.
        </p>
      )}
      {list.data && unlinked.length > 0 && (
        <>
          <h3 className={`${card.cardTitle} ${styles.further}`}>You can link</h3>
          <ul className={styles.sessions}>
            {unlinked.map(({ name, label }) => (
              <li key={name} className={styles.session}>
                <p className={styles.facts}>{label}</p>
                <Button
                  variant="default"
                  size="sm"
                  aria-label={`Link ${label}`}
                  aria-disabled={link.isPending}
                  onClick={() => !link.isPending && link.mutate(name)}
                >
                  Link
                </Button>
              </li>
            ))}
          </ul>
        </>
      )}
      {asking && (
        <Question
          title={`Unlink ${asking.provider.label}?`}
          text={`You can no longer sign in with ${asking.email ?? "this account"} at ${asking.provider.label}. Your other sessions that began with it end.`}
          confirmLabel={unlink.isPending ? "Unlinking…" : "Unlink"}
          busy={unlink.isPending}
          failure={unlink.error && readFailure("identity.unlink", unlink.error)}
          failureKey={unlink.submittedAt}
          onConfirm={() => unlink.mutate(asking.id)}
          onCancel={() => {
            setAsking(null);
            unlink.reset();
          }}
        />
      )}
      {reauthentication.dialog}
    </section>
  );
};

const LinkedAccount = ({ identity, onUnlink }: { identity: Identity; onUnlink: (() => void) | null }) => {
  const { provider, email, linkedAt } = identity;
  return (
    <li className={styles.session}>
      <div className={styles.facts}>
        <p className={styles.device}>{provider.label}</p>
        <p className={styles.fact}>
          {email && `${email}, `}linked <Moment at={linkedAt} />
        </p>
      </div>
      {onUnlink && (
        <Button variant="default" size="sm" aria-label={`Unlink ${provider.label}`} onClick={onUnlink}>
          Unlink
        </Button>
      )}
    </li>
  );
};
