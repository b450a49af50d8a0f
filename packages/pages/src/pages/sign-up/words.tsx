// Owns the words of the sign-up page.

import type { ReactNode } from "react";

export const signUpWords = {
  title: "Create your account",
  lead: "First, show that your e-mail address is yours.",
  /** Where only invited people can sign up. */
  invitedLead: "Enter the e-mail address that was invited.",
  email: "E-mail address",
  submit: "Send a code",
  submitting: "Sending…",
  haveAccount: "You have an account?",
  signIn: "Sign in",
  /** `email` is shown in bold. */
  sent: (email: ReactNode): ReactNode => <>A mail with a code is on its way to {email}.</>,
  sentIfInvited: (email: ReactNode): ReactNode => <>If {email} was invited, a mail with a code is on its way to it.</>,
  continue: "Continue",
  checking: "Checking…",
  changeEmail: "Use another address",
  details: {
    title: "Your account",
    lead: (email: ReactNode): ReactNode => <>Your address is {email}.</>,
    fullName: "Full name",
    username: "Username",
    usernameHint: "Letters, digits, dots, dashes and underscores. You can sign in with it.",
    use: (username: string): string => `Use ${username}`,
    password: "Password",
    choosePassword: "Choose a password",
    submit: "Create account",
    submitting: "Creating…",
  },
  closed: {
    title: "Sign-up is closed",
    lead: "Nobody can create an account here. Ask the people who run this service.",
  },
};
