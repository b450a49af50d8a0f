// The form in which a signed-in user reauthenticates with their password.

import { LoginInput } from "@lockstep/kit";
import { useMutation } from "@tanstack/react-query";
import { useAppContext } from "../app/context.ts";
import { useForm } from "../forms/use-form.ts";
import { useWords } from "../words/words.ts";
import { reauthenticationWords } from "./reauthentication-words.ts";

/** The form that asks for the password again. `failure` is any failure except a wrong password, which the field shows. */
export const usePasswordAgain = (onSignedIn: () => void) => {
  const { backend, steps } = useAppContext();
  const { client, readFailure } = backend;
  const words = useWords("reauthentication", reauthenticationWords);
  const signIn = useMutation({
    // A new session replaces this one, so the end of this one is not announced.
    mutationFn: (password: string) => steps.replace(() => client.auth.stepUp.mutate({ password })),
    onSuccess: onSignedIn,
    onError(error) {
      if (readFailure("auth.stepUp", error).code !== "INVALID_CREDENTIALS") return;
      form.refuse({ password: words.wrongPassword });
      form.select("password");
    },
  });
  const form = useForm({
    initialValues: { password: "" },
    schema: LoginInput.pick({ password: true }),
    onSubmit: ({ password }) => {
      if (!signIn.isPending) signIn.mutate(password);
    },
  });
  const failure = signIn.error && readFailure("auth.stepUp", signIn.error);
  return { form, signIn, failure: failure?.code === "INVALID_CREDENTIALS" ? null : failure };
};
