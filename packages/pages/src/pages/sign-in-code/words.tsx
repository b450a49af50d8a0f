// Owns the words of the page to sign in with a code.

import type { ReactNode } from "react";

export const signInCodeWords = {
  title: "Sign in with a code",
  lead: "A code is sent to the e-mail address of your account. It works once, in place of your password.",
  login: "Username or e-mail address",
  submit: "Send a code",
  submitting: "Sending…",
  usePassword: "Sign in with your password",
  /** `login` is what the user typed, shown in bold. The page never says whether there is such an account. */
  sent: (login: ReactNode): ReactNode => <>If there is an account for {login}, a mail is on its way to its address.</>,
  signIn: "Sign in",
  signingIn: "Signing in…",
  change: "Use another name or address",
  /** After the link in the mail, which brings the code. */
  confirm: {
    title: "Sign in?",
    lead: (email: ReactNode): ReactNode => <>You asked for a code for the account of {email}.</>,
    cancel: "Do not sign in",
  },
  off: {
    title: "Codes are not sent here",
    lead: "Sign in with your password.",
  },
};
