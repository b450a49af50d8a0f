// Owns the forms that change the address of the account: the new address, then the code that was sent to it.

import { ChangeEmailInput, ProofCode, type User } from "@lockstep/kit";
import { Button, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { z } from "zod";
import {
  CardForm,
  type ErrorOf,
  type FieldErrors,
  fieldErrorsOf,
  useBackend,
  useForm,
  useReauthentication,
  useWords,
} from "../../parts.ts";
import { accountWords } from "./words.ts";

/** An empty field removes the address. */
const EmailOrNone = ChangeEmailInput.pick({ email: true }).or(z.object({ email: z.literal("").transform(() => null) }));

/** A code that was sent, and where. */
interface Sent {
  readonly proofId: string;
  readonly email: string;
}

export const EmailForm = ({ user }: { user: User }) => {
  const [sent, setSent] = useState<Sent | null>(null);
  const [done, setDone] = useState(false);
  const finish = (changed: boolean) => {
    setSent(null);
    setDone(changed);
  };
  if (sent) return <CodeForm sent={sent} onEnd={finish} />;
  return <AddressForm key={user.email} user={user} done={done} onSent={setSent} onRemoved={() => setDone(true)} />;
};

interface AddressFormProps {
  readonly user: User;
  /** Whether the address was just changed. */
  readonly done: boolean;
  readonly onSent: (sent: Sent) => void;
  readonly onRemoved: () => void;
}

const AddressForm = ({ user, done, onSent, onRemoved }: AddressFormProps) => {
  const { client, queryClient, trpc, readFailure } = useBackend();
  const words = useWords("account", accountWords).email;
  const reauthentication = useReauthentication({ purpose: words.purpose });

  const change = useMutation({
    mutationFn: async ({ email }: { email: string | null }) => {
      if (email === null)
        return reauthentication.attempt("account.removeEmail", () => client.account.removeEmail.mutate());
      const requested = await reauthentication.attempt("account.changeEmail", () =>
        client.account.changeEmail.mutate({ email }),
      );
      return requested && { ...requested, email };
    },
    onError(error) {
      form.refuse(refusedAddress(readFailure("account.changeEmail", error)));
    },
    onSuccess(answer) {
      if (!answer) return;
      if ("proofId" in answer) return onSent(answer);
      queryClient.setQueryData(trpc.user.me.queryKey(), answer);
      onRemoved();
    },
  });
  const form = useForm({
    initialValues: { email: user.email ?? "" },
    schema: EmailOrNone,
    inputOf: ({ email }) => ({ email: email.trim() }),
    onSubmit: (input) => {
      if (!change.isPending) change.mutate(input);
    },
  });
  const failure = change.error && readFailure("account.changeEmail", change.error);

  return (
    <>
      <CardForm
        title={words.title}
        failure={failure && Object.keys(refusedAddress(failure)).length === 0 ? failure : null}
        failureKey={change.submittedAt}
        submitLabel={change.isPending ? words.changing : words.change}
        busy={change.isPending}
        outcome={done && change.isIdle && words.changed}
        onChange={change.reset}
        onSubmit={form.submit}
      >
        <TextInput
          label={words.label}
          description={user.email !== null && !user.emailVerified ? words.unverified : words.hint}
          type="email"
          autoComplete="email"
          spellCheck={false}
          readOnly={change.isPending}
          {...form.field("email")}
        />
      </CardForm>
      {reauthentication.dialog}
    </>
  );
};

const refusedAddress = (failure: ErrorOf<"account.changeEmail">): FieldErrors<{ email: string }> =>
  failure.code === "INVALID_INPUT" ? fieldErrorsOf(failure.details.issues) : {};

const CodeForm = ({ sent: { proofId, email }, onEnd }: { sent: Sent; onEnd: (changed: boolean) => void }) => {
  const { client, queryClient, trpc, readFailure } = useBackend();
  const words = useWords("account", accountWords).email;

  const complete = useMutation({
    mutationFn: (input: { code: string }) => client.account.completeEmailChange.mutate({ proofId, ...input }),
    onSuccess(user) {
      queryClient.setQueryData(trpc.user.me.queryKey(), user);
      onEnd(true);
    },
  });
  const form = useForm({
    initialValues: { code: "" },
    schema: z.object({ code: ProofCode }),
    onSubmit: (input) => {
      if (!complete.isPending) complete.mutate(input);
    },
  });
  const failure = complete.error && readFailure("account.completeEmailChange", complete.error);

  return (
    <CardForm
      title={words.title}
      failure={failure}
      failureKey={complete.submittedAt}
      submitLabel={complete.isPending ? words.changing : words.confirm}
      busy={complete.isPending}
      onSubmit={form.submit}
    >
      <TextInput
        label={words.code}
        description={words.sent(email)}
        autoComplete="one-time-code"
        spellCheck={false}
        autoFocus
        readOnly={complete.isPending}
        {...form.field("code")}
      />
      <Button type="button" variant="default" onClick={() => onEnd(false)}>
        {words.cancel}
      </Button>
    </CardForm>
  );
};
