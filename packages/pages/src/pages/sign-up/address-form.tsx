// The first form of sign-up: the address to send a code to.

import { RegisterInput } from "@lockstep/kit";
import { TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import {
  ChallengeStatus,
  type ErrorOf,
  type FieldErrors,
  fieldErrorsOf,
  NarrowForm,
  type ProofFlow,
  useBackend,
  useForm,
  useWords,
} from "../../parts.ts";
import { signUpWords } from "./words.tsx";

export const AddressForm = ({ flow }: { flow: ProofFlow }) => {
  const { client, readFailure } = useBackend();
  const words = useWords("signUp", signUpWords);
  const register = useMutation({
    mutationFn: (input: { email: string }) => client.account.register.mutate(input),
    onSuccess: ({ proofId }, { email }) => flow.ask(proofId, email),
    onError: (error) => form.refuse(refusedFields(readFailure("account.register", error))),
  });
  const form = useForm({
    initialValues: { email: flow.typed },
    schema: RegisterInput.pick({ email: true }),
    onSubmit: (input) => {
      if (!register.isPending) register.mutate(input);
    },
  });
  const failure = register.error && readFailure("account.register", register.error);
  return (
    <NarrowForm
      failure={failure && Object.keys(refusedFields(failure)).length === 0 ? failure : null}
      failureKey={register.submittedAt}
      submitLabel={register.isPending ? words.submitting : words.submit}
      busy={register.isPending}
      onSubmit={form.submit}
      below={<ChallengeStatus />}
    >
      <TextInput
        label={words.email}
        type="email"
        required
        autoComplete="email"
        autoCapitalize="none"
        spellCheck={false}
        readOnly={register.isPending}
        {...form.field("email")}
      />
    </NarrowForm>
  );
};

const refusedFields = (failure: ErrorOf<"account.register">): FieldErrors<{ email: string }> => {
  switch (failure.code) {
    case "INVALID_INPUT":
      return fieldErrorsOf(failure.details.issues);
    case "SIGN_UP_REFUSED":
      return { email: failure.details.explanation };
    default:
      return {};
  }
};
