// The form that asks for the username or the address of an account, to which a code is sent.

import { RecoverInput } from "@lockstep/kit";
import { TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useBackend } from "../app/context.ts";
import { ChallengeStatus } from "../forms/challenge-status.tsx";
import { NarrowForm } from "../forms/narrow-form.tsx";
import { fieldErrorsOf, useForm } from "../forms/use-form.ts";
import type { ProofFlow } from "./proof-flow.ts";

/** The props of `ProofLoginForm`. */
export interface ProofLoginFormProps {
  readonly flow: ProofFlow;
  /** The operation that `ask` calls. */
  readonly path: "account.recover" | "auth.requestSignInCode";
  readonly ask: (input: { login: string }) => Promise<{ readonly proofId: string }>;
  readonly words: { readonly login: string; readonly submit: string; readonly submitting: string };
}

/** Asks for the account that a code is sent for. */
export const ProofLoginForm = ({ flow, path, ask, words }: ProofLoginFormProps) => {
  const { readFailure } = useBackend();
  const request = useMutation({
    mutationFn: (input: { login: string }) => ask(input),
    onSuccess: ({ proofId }, { login }) => flow.ask(proofId, login),
    onError(error) {
      const refused = readFailure(path, error);
      if (refused.code === "INVALID_INPUT") form.refuse(fieldErrorsOf(refused.details.issues));
    },
  });
  const form = useForm({
    initialValues: { login: flow.typed },
    // Every operation that takes a login checks it alike.
    schema: RecoverInput.pick({ login: true }),
    onSubmit: (input) => {
      if (!request.isPending) request.mutate(input);
    },
  });
  const failure = request.error && readFailure(path, request.error);
  return (
    <NarrowForm
      failure={failure?.code === "INVALID_INPUT" ? null : failure}
      failureKey={request.submittedAt}
      submitLabel={request.isPending ? words.submitting : words.submit}
      busy={request.isPending}
      onSubmit={form.submit}
      below={<ChallengeStatus />}
    >
      <TextInput
        label={words.login}
        required
        autoComplete="username"
        autoCapitalize="none"
        autoCorrect="off"
        spellCheck={false}
        readOnly={request.isPending}
        {...form.field("login")}
      />
    </NarrowForm>
  );
};
