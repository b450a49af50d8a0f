// The page for the e-mail address of the account: whether it is verified, and changing it with a code that is sent to the
// new one.

import { ChangeEmailInput, type User } from "@lockstep/kit";
import { Alert, Button, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import {
  type AskedProof,
  CardForm,
  CheckMail,
  cardClasses,
  FailureNotice,
  fieldErrorsOf,
  LoadingCard,
  Mark,
  Page,
  type ProofFlow,
  ProofRefused,
  paths,
  Question,
  useBackend,
  useForm,
  useProofFlow,
  useReauthentication,
  useWords,
} from "../../parts.ts";
import styles from "./email.module.css";
import { emailWords } from "./words.tsx";

export const EmailPage = () => {
  const { trpc, readFailure } = useBackend();
  const words = useWords("email", emailWords);
  const me = useQuery(trpc.user.me.queryOptions());
  const flow = useProofFlow();
  const [outcome, setOutcome] = useState<string | null>(null);
  const failure = me.error && readFailure("user.me", me.error);

  if (flow.refused) return <ProofRefused reason={flow.refused} onStartAgain={flow.restart} />;
  if (flow.proof) {
    const onDone = ({ email }: User) => {
      setOutcome(email && words.done(email));
      flow.restart();
    };
    return <Finish proof={flow.proof} flow={flow} onDone={onDone} />;
  }
  return (
    <Page title={words.title} lead={words.lead} back={{ path: paths.security, label: words.back }}>
      {failure && <FailureNotice failure={failure} onRetry={() => void me.refetch()} retrying={me.isFetching} />}
      <div className={styles.column}>
        {outcome !== null && <Outcome text={outcome} />}
        {me.data ? (
          <>
            <CurrentAddress user={me.data} flow={flow} onRemoved={() => setOutcome(words.removed)} />
            <AddressForm user={me.data} flow={flow} />
          </>
        ) : (
          !failure && <LoadingCard height="17rem" />
        )}
      </div>
    </Page>
  );
};

const Outcome = ({ text }: { text: string }) => {
  const notice = useRef<HTMLDivElement>(null);
  useEffect(() => notice.current?.focus(), [text]);
  return (
    <Alert ref={notice} tabIndex={-1} role="status">
      {text}
    </Alert>
  );
};

/** Asks for a code, which needs a fresh sign-in. */
const useAsk = (flow: ProofFlow) => {
  const { client, readFailure } = useBackend();
  const reauthentication = useReauthentication({ purpose: useWords("email", emailWords).purpose });
  const ask = useMutation({
    mutationFn: (input: { email: string }) =>
      reauthentication.attempt("account.changeEmail", () => client.account.changeEmail.mutate(input)),
    onSuccess(answer, { email }) {
      if (answer) flow.ask(answer.proofId, email);
    },
  });
  const failure = ask.error && readFailure("account.changeEmail", ask.error);
  return { ask, failure, dialog: reauthentication.dialog };
};

interface CurrentAddressProps {
  readonly user: User;
  readonly flow: ProofFlow;
  readonly onRemoved: () => void;
}

const CurrentAddress = ({ user: { email, emailVerified }, flow, onRemoved }: CurrentAddressProps) => {
  const words = useWords("email", emailWords);
  const { ask, failure, dialog } = useAsk(flow);
  if (email === null) return <p className={styles.none}>{words.none}</p>;
  return (
    <section className={`${cardClasses.card} ${cardClasses.fields}`} aria-label={words.current}>
      <div>
        <p className={styles.address}>{email}</p>
        {emailVerified ? <Mark>{words.verified}</Mark> : <Mark caution>{words.unverified}</Mark>}
      </div>
      {!emailVerified && <p className={styles.hint}>{words.unverifiedHint}</p>}
      {failure && <FailureNotice key={ask.submittedAt} failure={failure} takesFocus />}
      <div className={styles.actions}>
        {!emailVerified && (
          <Button size="sm" aria-disabled={ask.isPending} onClick={() => !ask.isPending && ask.mutate({ email })}>
            {ask.isPending ? words.submitting : words.verify}
          </Button>
        )}
        <RemoveButton onRemoved={onRemoved} />
      </div>
      {dialog}
    </section>
  );
};

const RemoveButton = ({ onRemoved }: { onRemoved: () => void }) => {
  const { client, queryClient, trpc, readFailure } = useBackend();
  const words = useWords("email", emailWords);
  const { title, text, confirm, confirming } = words.removeQuestion;
  const reauthentication = useReauthentication({ purpose: words.purpose });
  const [asking, setAsking] = useState(false);
  const remove = useMutation({
    mutationFn: () => reauthentication.attempt("account.removeEmail", () => client.account.removeEmail.mutate()),
    onSuccess(answer) {
      setAsking(false);
      if (!answer) return;
      queryClient.setQueryData(trpc.user.me.queryKey(), answer);
      onRemoved();
    },
  });
  return (
    <>
      <Button variant="default" size="sm" onClick={() => setAsking(true)}>
        {words.remove}
      </Button>
      {asking && (
        <Question
          title={title}
          text={text}
          confirmLabel={remove.isPending ? confirming : confirm}
          busy={remove.isPending}
          failure={remove.error && readFailure("account.removeEmail", remove.error)}
          failureKey={remove.submittedAt}
          onConfirm={() => remove.mutate()}
          onCancel={() => {
            setAsking(false);
            remove.reset();
          }}
        />
      )}
      {reauthentication.dialog}
    </>
  );
};

const AddressForm = ({ user, flow }: { user: User; flow: ProofFlow }) => {
  const words = useWords("email", emailWords);
  const { ask, failure, dialog } = useAsk(flow);
  const form = useForm({
    initialValues: { email: flow.typed === user.email ? "" : flow.typed },
    schema: ChangeEmailInput.pick({ email: true }),
    onSubmit: (input) => {
      if (!ask.isPending) ask.mutate(input);
    },
  });
  useEffect(() => {
    if (failure?.code === "INVALID_INPUT") form.refuse(fieldErrorsOf(failure.details.issues));
  }, [ask.error]);
  return (
    <>
      <CardForm
        title={user.email === null ? words.add : words.change}
        failure={failure?.code === "INVALID_INPUT" ? null : failure}
        failureKey={ask.submittedAt}
        submitLabel={ask.isPending ? words.submitting : words.submit}
        busy={ask.isPending}
        onChange={ask.reset}
        onSubmit={form.submit}
      >
        <TextInput
          label={words.new}
          description={user.email === null ? words.addHint : words.hint}
          type="email"
          required
          autoComplete="email"
          autoCapitalize="none"
          spellCheck={false}
          readOnly={ask.isPending}
          {...form.field("email")}
        />
      </CardForm>
      {dialog}
    </>
  );
};

interface FinishProps {
  readonly proof: AskedProof;
  readonly flow: ProofFlow;
  readonly onDone: (user: User) => void;
}

/** Completes the change with the code: typed here, or brought by the link in the mail. */
const Finish = ({ proof, flow, onDone }: FinishProps) => {
  const { client, queryClient, trpc, readFailure } = useBackend();
  const words = useWords("email", emailWords);
  const complete = useMutation({
    mutationFn: (code: string) => client.account.completeEmailChange.mutate({ proofId: proof.proofId, code }),
    onSuccess(user) {
      queryClient.setQueryData(trpc.user.me.queryKey(), user);
      onDone(user);
    },
    onError(error) {
      const refused = readFailure("account.completeEmailChange", error);
      if (refused.code === "PROOF_REFUSED") flow.refuse(refused.details);
    },
  });
  const failed = complete.error && readFailure("account.completeEmailChange", complete.error);
  const failure = failed?.code === "PROOF_REFUSED" ? null : failed;
  const { code } = proof;
  const submitLabel = complete.isPending ? words.finish.submitting : words.finish.submit;
  const address = <strong>{proof.sentTo}</strong>;
  if (code === null) {
    return (
      <CheckMail
        proof={proof}
        flow={flow}
        lead={words.sent(address)}
        submitLabel={submitLabel}
        changeLabel={words.changeEmail}
        busy={complete.isPending}
        failure={failure}
        onCode={complete.mutate}
      />
    );
  }
  return (
    <Page title={words.finish.title} lead={words.finish.lead(address)} narrow>
      <div className={`${cardClasses.card} ${cardClasses.fields}`}>
        {failure && <FailureNotice key={complete.submittedAt} failure={failure} takesFocus />}
        <Button aria-disabled={complete.isPending} onClick={() => !complete.isPending && complete.mutate(code)}>
          {submitLabel}
        </Button>
        <Button variant="default" onClick={flow.restart}>
          {words.finish.cancel}
        </Button>
      </div>
    </Page>
  );
};
