// The page of passkeys and second factors: what the account has, and how to add and remove it.

import type { Factor, FactorKind, FactorList } from "@lockstep/kit";
import { Button, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import {
  AddFactor,
  Ago,
  cardClasses,
  FailureNotice,
  LoadingCard,
  Page,
  paths,
  Question,
  useBackend,
  usePasskeySignals,
  useReauthentication,
  useSignInMethods,
  useWords,
} from "../../parts.ts";
import { RecoveryCodes } from "./recovery-codes.tsx";
import styles from "./second-factors.module.css";
import { TrustedDevices } from "./trusted-devices.tsx";
import { secondFactorsWords } from "./words.tsx";

export const SecondFactorsPage = () => {
  const { trpc, readFailure } = useBackend();
  const words = useWords("secondFactors", secondFactorsWords);
  const list = useQuery(trpc.factor.list.queryOptions());
  const methods = useSignInMethods();
  const failure = list.error && readFailure("factor.list", list.error);
  return (
    <Page title={words.title} lead={words.lead} back={{ path: paths.security, label: words.back }}>
      {failure && <FailureNotice failure={failure} onRetry={() => void list.refetch()} retrying={list.isFetching} />}
      {!list.data && !failure && (
        <>
          <LoadingCard height="12rem" />
          <LoadingCard height="12rem" />
        </>
      )}
      {list.data && (
        <>
          {(methods.data?.passkeys === true || list.data.factors.some(({ kind }) => kind === "passkey")) && (
            <Factors kind="passkey" list={list.data} words={words.passkeys} />
          )}
          <Factors kind="totp" list={list.data} words={words.apps} />
          <RecoveryCodes list={list.data} />
          <TrustedDevices list={list.data} />
        </>
      )}
    </Page>
  );
};

interface FactorsProps {
  readonly kind: FactorKind;
  readonly list: FactorList;
  readonly words: { readonly title: string; readonly text: string; readonly none: string };
}

const Factors = ({ kind, list, words }: FactorsProps) => {
  const { client, queryClient, trpc } = useBackend();
  const { purpose } = useWords("secondFactors", secondFactorsWords);
  const reauthentication = useReauthentication({ purpose });
  const factors = list.factors.filter((factor) => factor.kind === kind);
  const titleId = `${kind}-title`;
  const reload = () => queryClient.invalidateQueries({ queryKey: trpc.factor.list.queryKey() });
  return (
    <section className={cardClasses.card} aria-labelledby={titleId}>
      <h2 id={titleId} className={cardClasses.cardTitle}>
        {words.title}
      </h2>
      <p className={styles.aside}>{words.text}</p>
      {factors.length === 0 && <p className={styles.aside}>{words.none}</p>}
      <ul className={styles.list}>
        {factors.map((factor) => (
          <FactorItem key={factor.id} factor={factor} onChanged={reload} />
        ))}
      </ul>
      <AddFactor
        kinds={[kind]}
        path="factor.complete"
        begin={(added) => reauthentication.attempt("factor.begin", () => client.factor.begin.mutate({ kind: added }))}
        complete={(input) => client.factor.complete.mutate(input)}
        onAdded={reload}
        onCancel={() => {}}
      />
      {reauthentication.dialog}
    </section>
  );
};

const FactorItem = ({ factor, onChanged }: { factor: Factor; onChanged: () => Promise<void> }) => {
  const { client, readFailure } = useBackend();
  const words = useWords("secondFactors", secondFactorsWords);
  const reauthentication = useReauthentication({ purpose: words.purpose });
  const [asking, setAsking] = useState<"nothing" | "name" | "removal">("nothing");
  const [name, setName] = useState(factor.name);
  const factorId = factor.id;
  const tellPasskeys = usePasskeySignals();

  const rename = useMutation({
    mutationFn: () => reauthentication.attempt("factor.rename", () => client.factor.rename.mutate({ factorId, name })),
    onSuccess(answer) {
      if (!answer) return;
      setAsking("nothing");
      if (factor.kind === "passkey") void tellPasskeys();
    },
    onSettled: onChanged,
  });
  const remove = useMutation({
    mutationFn: () => reauthentication.attempt("factor.remove", () => client.factor.remove.mutate({ factorId })),
    onSuccess(answer) {
      if (!answer) return;
      setAsking("nothing");
      if (factor.kind === "passkey") void tellPasskeys();
    },
    onSettled: onChanged,
  });
  const failure = rename.error && readFailure("factor.rename", rename.error);
  return (
    <li className={styles.item}>
      <div className={styles.facts}>
        {asking === "name" ? (
          <form
            noValidate
            className={styles.rename}
            onSubmit={(event) => {
              event.preventDefault();
              if (!rename.isPending) rename.mutate();
            }}
          >
            {failure && <FailureNotice key={rename.submittedAt} failure={failure} takesFocus />}
            <TextInput
              label={words.newName}
              required
              autoFocus
              maxLength={60}
              value={name}
              onChange={({ currentTarget }) => setName(currentTarget.value)}
            />
            <div className={styles.buttons}>
              <Button type="submit" size="sm" aria-disabled={rename.isPending}>
                {rename.isPending ? words.saving : words.save}
              </Button>
              <Button variant="default" size="sm" onClick={() => setAsking("nothing")}>
                {words.cancel}
              </Button>
            </div>
          </form>
        ) : (
          <>
            <p className={styles.name}>{factor.name}</p>
            <p className={styles.fact}>
              {words.facts(
                <Ago at={factor.createdAt} />,
                factor.lastUsedAt === null ? null : <Ago at={factor.lastUsedAt} />,
              )}
            </p>
          </>
        )}
      </div>
      {asking !== "name" && (
        <div className={styles.buttons}>
          <Button
            variant="default"
            size="sm"
            aria-label={words.renameOf(factor.name)}
            onClick={() => {
              setName(factor.name);
              setAsking("name");
            }}
          >
            {words.rename}
          </Button>
          <Button
            variant="default"
            size="sm"
            aria-label={words.removeOf(factor.name)}
            onClick={() => setAsking("removal")}
          >
            {words.remove}
          </Button>
        </div>
      )}
      {asking === "removal" && (
        <Question
          title={words.question.title(factor.name)}
          text={words.question.text}
          confirmLabel={remove.isPending ? words.question.confirming : words.question.confirm}
          busy={remove.isPending}
          failure={remove.error && readFailure("factor.remove", remove.error)}
          failureKey={remove.submittedAt}
          onConfirm={() => remove.mutate()}
          onCancel={() => {
            setAsking("nothing");
            remove.reset();
          }}
        />
      )}
      {reauthentication.dialog}
    </li>
  );
};
