// The page of linked accounts: lists, links and unlinks accounts at identity providers.

import type { Identity } from "@lockstep/kit";
import { Alert, Button, Skeleton } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { Link, useSearch } from "wouter";
import {
  cardClasses,
  FailureNotice,
  LoginProblemNotice,
  Moment,
  Page,
  paths,
  Question,
  useBackend,
  useProviders,
  useReauthentication,
  useWords,
} from "../../parts.ts";
import styles from "./linked-accounts.module.css";
import { linkedAccountsWords } from "./words.tsx";

export const LinkedAccountsPage = () => {
  const linked = new URLSearchParams(useSearch()).get("linked");
  const provider = useProviders().find(({ name }) => name === linked);
  const { title, lead, back, nowLinked } = useWords("linkedAccounts", linkedAccountsWords);
  return (
    <Page title={title} lead={lead} back={{ path: paths.security, label: back }}>
      <LoginProblemNotice />
      {provider && <Alert role="status">{nowLinked(provider.label)}</Alert>}
      <LinkedAccounts />
    </Page>
  );
};

const LinkedAccounts = () => {
  const { client, queryClient, trpc, readFailure } = useBackend();
  const words = useWords("linkedAccounts", linkedAccountsWords);
  const title = useRef<HTMLHeadingElement>(null);
  const providers = useProviders();
  const list = useQuery(trpc.identity.list.queryOptions());
  const failure = list.error && readFailure("identity.list", list.error);
  const identities = list.data?.identities ?? [];
  const [asking, setAsking] = useState<Identity | null>(null);
  const reauthentication = useReauthentication({ purpose: words.purpose });

  const link = useMutation({
    mutationFn: (provider: string) =>
      reauthentication.attempt("identity.link", async () => {
        const returnTo = `${paths.linkedAccounts}?linked=${provider}`;
        const { continueAt } = await client.identity.link.mutate({ provider, returnTo });
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
      // It was already unlinked, which is what the user asked for.
      if (readFailure("identity.unlink", error).code === "IDENTITY_NOT_FOUND") setAsking(null);
    },
    onSettled: () => queryClient.invalidateQueries({ queryKey: trpc.identity.list.queryKey() }),
  });
  const refused = link.error && readFailure("identity.link", link.error);
  // By then, the button that was pressed is gone.
  useEffect(() => {
    if (unlink.data) title.current?.focus();
  }, [unlink.data, unlink.submittedAt]);
  const onlyWayIn = list.data?.hasPassword === false && identities.length === 1;
  const unlinked = providers.filter(({ name }) => !identities.some(({ provider }) => provider.name === name));

  return (
    <section className={cardClasses.card} aria-labelledby="linked-title" aria-busy={list.isPending}>
      <h2 id="linked-title" ref={title} tabIndex={-1} className={cardClasses.cardTitle}>
        {words.listTitle}
      </h2>
      {failure && <FailureNotice failure={failure} onRetry={() => void list.refetch()} retrying={list.isFetching} />}
      {refused && <FailureNotice key={link.submittedAt} failure={refused} takesFocus />}
      {!list.data && !failure && <Skeleton height="9rem" radius="0.5rem" />}
      <ul className={styles.accounts}>
        {identities.map((identity) => (
          <LinkedAccount
            key={identity.id}
            identity={identity}
            onUnlink={onlyWayIn ? null : () => setAsking(identity)}
          />
        ))}
      </ul>
      {list.data && identities.length === 0 && <p className={styles.aside}>{words.none}</p>}
      {onlyWayIn && (
        <p className={styles.aside}>{words.onlyWayIn(<Link href={paths.password}>{words.setPassword}</Link>)}</p>
      )}
      {list.data && unlinked.length > 0 && (
        <>
          <h3 className={`${cardClasses.cardTitle} ${styles.further}`}>{words.canLink}</h3>
          <ul className={styles.accounts}>
            {unlinked.map(({ name, label }) => (
              <li key={name} className={styles.account}>
                <p className={styles.facts}>{label}</p>
                <Button
                  variant="default"
                  size="sm"
                  aria-label={words.linkOf(label)}
                  aria-disabled={link.isPending}
                  onClick={() => !link.isPending && link.mutate(name)}
                >
                  {words.link}
                </Button>
              </li>
            ))}
          </ul>
        </>
      )}
      {asking && (
        <Question
          title={words.question.title(asking.provider.label)}
          text={words.question.text(asking.provider.label, asking.email)}
          confirmLabel={unlink.isPending ? words.question.confirming : words.question.confirm}
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
  const words = useWords("linkedAccounts", linkedAccountsWords);
  const { provider, email, linkedAt } = identity;
  return (
    <li className={styles.account}>
      <div className={styles.facts}>
        <p className={styles.provider}>{provider.label}</p>
        <p className={styles.fact}>
          {email && `${email}, `}
          {words.linked} <Moment at={linkedAt} />
        </p>
      </div>
      {onUnlink && (
        <Button variant="default" size="sm" aria-label={words.unlinkOf(provider.label)} onClick={onUnlink}>
          {words.unlink}
        </Button>
      )}
    </li>
  );
};
