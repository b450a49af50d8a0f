// The form in which whoever is signed in proves with their password that it is still them.

import { LoginInput } from "@lockstep/kit";
import { useMutation } from "@tanstack/react-query";
import { client, session } from "../backend.ts";
import { readFailure } from "../failures/failure.ts";
import { useForm } from "../forms/use-form.ts";

/** `failure` is what the form cannot say at the field; a wrong password is said there. */
export const usePasswordAgain = (username: string, onSignedIn: () => void) => {
  const signIn = useMutation({
    // A new session takes this one's place: what the old one's end would tell is no news.
    mutationFn: (password: string) =>
      session.replace(() => client.auth.login.mutate({ username, password, transport: "cookie" })),
    onSuccess: onSignedIn,
    onError(error) {
      if (readFailure("auth.login", error).code !== "INVALID_CREDENTIALS") return;
      form.refuse({ password: "This is not your password." });
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
  const failure = signIn.error && readFailure("auth.login", signIn.error);
  return { form, signIn, failure: failure?.code === "INVALID_CREDENTIALS" ? null : failure };
};
