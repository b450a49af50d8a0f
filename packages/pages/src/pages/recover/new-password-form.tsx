// The last form of recovery: the new password.

import { ResetPasswordInput } from "@lockstep/kit";
import { useMutation } from "@tanstack/react-query";
import {
  type AskedProof,
  type ErrorOf,
  type FieldErrors,
  fieldErrorsOf,
  NarrowForm,
  NewPasswordField,
  newPassword,
  type ProofFlow,
  useBackend,
  useForm,
  useWords,
} from "../../parts.ts";
import { recoverWords } from "./words.tsx";

export interface NewPasswordFormProps {
  readonly proof: AskedProof;
  readonly code: string;
  readonly flow: ProofFlow;
  readonly onDone: () => void;
}

export const NewPasswordForm = ({ proof, code, flow, onDone }: NewPasswordFormProps) => {
  const { client, readFailure } = useBackend();
  const words = useWords("recover", recoverWords).password;
  const reset = useMutation({
    mutationFn: (input: { newPassword: string }) =>
      client.account.resetPassword.mutate({ proofId: proof.proofId, code, ...input }),
    onSuccess: onDone,
    onError(error) {
      const refused = readFailure("account.resetPassword", error);
      if (refused.code === "PROOF_REFUSED") return flow.refuse(refused.details);
      form.refuse(refusedFields(refused));
    },
  });
  const form = useForm({
    initialValues: { newPassword: "" },
    schema: ResetPasswordInput.pick({ newPassword: true }).extend({ newPassword: newPassword(words.choose) }),
    onSubmit: (input) => {
      if (!reset.isPending) reset.mutate(input);
    },
  });
  const failure = reset.error && readFailure("account.resetPassword", reset.error);
  return (
    <NarrowForm
      failure={
        failure && Object.keys(refusedFields(failure)).length === 0 && failure.code !== "PROOF_REFUSED" ? failure : null
      }
      failureKey={reset.submittedAt}
      submitLabel={reset.isPending ? words.submitting : words.submit}
      busy={reset.isPending}
      onSubmit={form.submit}
    >
      <input type="text" name="username" autoComplete="username" value={proof.sentTo} readOnly hidden />
      <NewPasswordField
        label={words.new}
        personal={[proof.sentTo]}
        readOnly={reset.isPending}
        {...form.field("newPassword")}
      />
    </NarrowForm>
  );
};

const refusedFields = (failure: ErrorOf<"account.resetPassword">): FieldErrors<{ newPassword: string }> => {
  switch (failure.code) {
    case "INVALID_INPUT":
      return fieldErrorsOf(failure.details.issues);
    case "PASSWORD_REFUSED":
      return { newPassword: failure.details.explanation };
    default:
      return {};
  }
};
