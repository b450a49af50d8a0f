// The first form of recovery: the username or the address of the account.

import { RecoverInput } from "@lockstep/kit";
import { Button, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import {
  ChallengeStatus,
  cardClasses,
  FailureNotice,
  fieldErrorsOf,
  type ProofFlow,
  useBackend,
  useForm,
  useWords,
} from "../../parts.ts";
import { recoverWords } from "./words.tsx";

export const LoginForm = ({ flow }: { flow: ProofFlow }) => {
  const { client, readFailure } = useBackend();
  const words = useWords("recover", recoverWords);
  const recover = useMutation({
    mutationFn: (input: { login: string }) => client.account.recover.mutate(input),
    onSuccess: ({ proofId }, { login }) => flow.ask(proofId, login),
    onError(error) {
      const refused = readFailure("account.recover", error);
      if (refused.code === "INVALID_INPUT") form.refuse(fieldErrorsOf(refused.details.issues));
    },
  });
  const form = useForm({
    initialValues: { login: flow.typed },
    schema: RecoverInput.pick({ login: true }),
    onSubmit: (input) => {
      if (!recover.isPending) recover.mutate(input);
    },
  });
  const failure = recover.error && readFailure("account.recover", recover.error);
  return (
    <form noValidate className={cardClasses.card} onSubmit={form.submit}>
      <div className={cardClasses.fields}>
        {failure && failure.code !== "INVALID_INPUT" && (
          <FailureNotice key={recover.submittedAt} failure={failure} takesFocus />
        )}
        <TextInput
          label={words.login}
          required
          autoComplete="username"
          autoCapitalize="none"
          autoCorrect="off"
          spellCheck={false}
          readOnly={recover.isPending}
          {...form.field("login")}
        />
        <Button type="submit" fullWidth aria-disabled={recover.isPending}>
          {recover.isPending ? words.submitting : words.submit}
        </Button>
        <ChallengeStatus />
      </div>
    </form>
  );
};
