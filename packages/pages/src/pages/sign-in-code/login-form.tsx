// The first form of signing in with a code: the username or the address of the account.

import { RequestSignInCodeInput } from "@lockstep/kit";
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
import { signInCodeWords } from "./words.tsx";

export const LoginForm = ({ flow }: { flow: ProofFlow }) => {
  const { client, readFailure } = useBackend();
  const words = useWords("signInCode", signInCodeWords);
  const request = useMutation({
    mutationFn: (input: { login: string }) => client.auth.requestSignInCode.mutate(input),
    onSuccess: ({ proofId }, { login }) => flow.ask(proofId, login),
    onError(error) {
      const refused = readFailure("auth.requestSignInCode", error);
      if (refused.code === "INVALID_INPUT") form.refuse(fieldErrorsOf(refused.details.issues));
    },
  });
  const form = useForm({
    initialValues: { login: flow.typed },
    schema: RequestSignInCodeInput.pick({ login: true }),
    onSubmit: (input) => {
      if (!request.isPending) request.mutate(input);
    },
  });
  const failure = request.error && readFailure("auth.requestSignInCode", request.error);
  return (
    <form noValidate className={cardClasses.card} onSubmit={form.submit}>
      <div className={cardClasses.fields}>
        {failure && failure.code !== "INVALID_INPUT" && (
          <FailureNotice key={request.submittedAt} failure={failure} takesFocus />
        )}
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
        <Button type="submit" fullWidth aria-disabled={request.isPending}>
          {request.isPending ? words.submitting : words.submit}
        </Button>
        <ChallengeStatus />
      </div>
    </form>
  );
};
