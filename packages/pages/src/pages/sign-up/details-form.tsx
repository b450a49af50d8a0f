// The last form of sign-up: the name, the username and the password of the account.

import { CompleteRegistrationInput, usernameFrom } from "@lockstep/kit";
import { Button, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import {
  type AskedProof,
  type ErrorOf,
  type Failure,
  type FieldErrors,
  fieldErrorsOf,
  NarrowForm,
  NewPasswordField,
  NextStep,
  newPassword,
  type PendingSignIn,
  type ProofFlow,
  paths,
  SignInForm,
  useBackend,
  useForm,
  useWords,
} from "../../parts.ts";
import styles from "./sign-up.module.css";
import { signUpWords } from "./words.tsx";

export const noDetails = { fullName: "", username: "", password: "" };
type Details = typeof noDetails;

export interface DetailsFormProps {
  readonly proof: AskedProof;
  readonly code: string;
  readonly flow: ProofFlow;
  readonly details: Details;
  readonly onDetails: (details: Details) => void;
}

export const DetailsForm = ({ proof, code, flow, details, onDetails }: DetailsFormProps) => {
  const { client, readFailure } = useBackend();
  const words = useWords("signUp", signUpWords).details;
  const [suggestion, setSuggestion] = useState<string | null>(null);
  const [pending, setPending] = useState<PendingSignIn | null>(null);
  const [expired, setExpired] = useState<Failure | null>(null);

  const complete = useMutation({
    mutationFn: (input: Pick<CompleteRegistrationInput, "fullName" | "username" | "password">) =>
      client.account.completeRegistration.mutate({ proofId: proof.proofId, code, ...input }),
    onSuccess: (answer) => answer.status !== "signed_in" && setPending(answer),
    onError(error) {
      const failure = readFailure("account.completeRegistration", error);
      if (failure.code === "PROOF_REFUSED") return flow.refuse(failure.details);
      setSuggestion(failure.code === "USERNAME_REFUSED" ? failure.details.suggestion : null);
      form.refuse(refusedFields(failure));
    },
  });
  const form = useForm({
    initialValues: details,
    schema: detailsInput(words.choosePassword),
    inputOf: ({ username, ...rest }) => ({ ...rest, username: username.trim() || undefined }),
    onSubmit: (input) => {
      if (complete.isPending) return;
      onDetails(form.values);
      complete.mutate(input);
    },
  });
  const failure = complete.error && readFailure("account.completeRegistration", complete.error);
  const { fullName, username } = form.values;
  const field = form.field("fullName");

  // The account exists by now: starting again is signing in.
  if (expired) return <SignInForm username={username} expired={expired} />;
  if (pending) {
    return (
      <NextStep
        pending={pending}
        onStartAgain={(failure) => (failure ? setExpired(failure) : location.assign(paths.signIn))}
      />
    );
  }
  return (
    <NarrowForm
      failure={
        failure && Object.keys(refusedFields(failure)).length === 0 && failure.code !== "PROOF_REFUSED" ? failure : null
      }
      failureKey={complete.submittedAt}
      submitLabel={complete.isPending ? words.submitting : words.submit}
      busy={complete.isPending}
      onSubmit={form.submit}
    >
      <TextInput
        label={words.fullName}
        required
        autoComplete="name"
        readOnly={complete.isPending}
        {...field}
        onChange={(event) => {
          const name = event.currentTarget.value;
          field.onChange(event);
          // Until the user chooses one.
          if (username === (usernameFrom(fullName) ?? "")) form.set("username", usernameFrom(name) ?? "");
        }}
      />
      <TextInput
        label={words.username}
        description={form.errors.username ? null : words.usernameHint}
        required
        autoComplete="username"
        autoCapitalize="none"
        autoCorrect="off"
        spellCheck={false}
        readOnly={complete.isPending}
        {...form.field("username")}
      />
      {suggestion !== null && suggestion !== username && (
        <Button
          variant="default"
          size="xs"
          className={styles.suggestion ?? ""}
          onClick={() => {
            form.set("username", suggestion);
            form.select("username");
          }}
        >
          {words.use(suggestion)}
        </Button>
      )}
      <NewPasswordField
        label={words.password}
        personal={[fullName, username, proof.sentTo]}
        readOnly={complete.isPending}
        {...form.field("password")}
      />
    </NarrowForm>
  );
};

const detailsInput = (choosePassword: string) =>
  CompleteRegistrationInput.pick({ fullName: true, username: true, password: true }).extend({
    password: newPassword(choosePassword),
  });

const refusedFields = (failure: ErrorOf<"account.completeRegistration">): FieldErrors<Details> => {
  switch (failure.code) {
    case "INVALID_INPUT":
      return fieldErrorsOf(failure.details.issues);
    case "USERNAME_REFUSED":
      return { username: failure.details.explanation };
    case "PASSWORD_REFUSED":
      return { password: failure.details.explanation };
    default:
      return {};
  }
};
