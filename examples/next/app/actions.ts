"use server";

import { errorOf } from "@lockstep/client";
import { redirect } from "next/navigation";
import { actionApi } from "../api";

/** Returns why the sign-in failed, in words for the user. */
export const signIn = async (_previous: string, form: FormData): Promise<string> => {
  const [username, password] = [String(form.get("username")), String(form.get("password"))];
  try {
    await (await actionApi()).auth.login.mutate({ username, password });
  } catch (thrown) {
    const error = errorOf("auth.login", thrown); // the union of the errors that this operation declares
    if (error?.code === "INVALID_CREDENTIALS") return "The username or the password is wrong.";
    if (error?.code === "TOO_MANY_ATTEMPTS")
      return `Too many attempts. Try again in ${error.details.retryAfterSeconds} seconds.`;
    throw thrown;
  }
  redirect("/");
};

export const signOut = async () => {
  await (await actionApi()).auth.logout.mutate();
  redirect("/");
};
