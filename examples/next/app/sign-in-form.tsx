"use client";

import { useActionState } from "react";
import { signIn } from "./actions";

export const SignInForm = () => {
  const [problem, action, pending] = useActionState(signIn, "");
  return (
    <>
      <h1>Sign in</h1>
      <form action={action}>
        <label>
          Username <input name="username" autoComplete="username" required />
        </label>
        <label>
          Password <input name="password" type="password" autoComplete="current-password" required />
        </label>
        <button type="submit" disabled={pending}>
          Sign in
        </button>
        <p role="alert">{problem}</p>
      </form>
    </>
  );
};
