// Owns the words of the page to recover an account.

import type { ReactNode } from "react";

export const recoverWords = {
  title: "Recover your account",
  lead: "Set a new password with a code that is sent to the address of your account.",
  login: "Username or e-mail address",
  submit: "Send a code",
  submitting: "Sending…",
  remembered: "You know your password?",
  signIn: "Sign in",
  /** `login` is what the user typed, shown in bold. The page never says whether there is such an account. */
  sent: (login: ReactNode): ReactNode => <>If there is an account for {login}, a mail is on its way to its address.</>,
  continue: "Continue",
  checking: "Checking…",
  change: "Use another name or address",
  password: {
    title: "Choose a new password",
    lead: "This signs your account out everywhere, and ends the access of apps.",
    new: "New password",
    choose: "Choose a new password",
    submit: "Set the password",
    submitting: "Setting…",
  },
  done: {
    title: "Your password is set",
    lead: "Your account was signed out everywhere. Sign in with the new password.",
  },
  noMail: {
    title: "Recovery is not possible here",
    lead: "This service sends no mail. Ask the people who run it for a new password.",
  },
};
