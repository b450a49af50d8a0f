// Owns the words of the page that a link in a mail opens.

import type { ProofPurpose } from "@lockstep/kit";
import type { ReactNode } from "react";

export const proofWords = {
  title: "The link in your mail",
  noSecret: {
    title: "Open the link in the mail again",
    lead: "A part of its address is missing. Some mail programs cut links: copy all of it, or enter the code instead.",
  },
  /** In another browser than the one that asked. */
  elsewhere: {
    title: "Enter this code where you started",
    lead: "You opened the mail in another browser. Go back to the one in which you started, and enter this code there:",
    purposes: {
      sign_up: (email: ReactNode): ReactNode => <>It creates an account for {email}.</>,
      sign_in: (email: ReactNode): ReactNode => <>It signs in to the account of {email}.</>,
      recovery: (email: ReactNode): ReactNode => <>It sets a new password for the account of {email}.</>,
      email_change: (email: ReactNode): ReactNode => <>It makes {email} the address of an account.</>,
    } satisfies Record<Exclude<ProofPurpose, "email_undo" | "deletion_cancel">, (email: ReactNode) => ReactNode>,
    caution: "Did you not start anything? Then close this page, and give the code to nobody who asks for it.",
    validFor: (minutes: number): string =>
      minutes === 1 ? "It works for one more minute." : `It works for ${minutes} more minutes.`,
  },
  /** In the browser that asked for a change of the address, when its session has ended. */
  signIn: { title: "Sign in", lead: "to change the address of your account" },
  undo: {
    title: "Undo the change of your address?",
    lead: (email: ReactNode): ReactNode => (
      <>
        Your account gets the address {email} back. So that nobody else stays in it, it is signed out everywhere, and
        its password no longer works.
      </>
    ),
    submit: "Undo the change",
    submitting: "Undoing…",
    done: (email: ReactNode): ReactNode => <>The address of your account is {email} again.</>,
    doneTitle: "The change was undone",
    advice:
      "Your password no longer works, since somebody else may know it. Set a new one with a code that is sent to you.",
    newPassword: "Set a new password",
  },
  /** The account is to be deleted. */
  keep: {
    title: "Keep your account?",
    lead: (day: ReactNode): ReactNode => (
      <>It is deleted on {day}, with everything in it. Until then you can keep it.</>
    ),
    submit: "Keep the account",
    submitting: "One moment…",
    doneTitle: "Your account stays",
    done: (username: ReactNode): ReactNode => <>The account {username} is not deleted.</>,
    advice:
      "You were signed out everywhere, and apps lost their access. If you did not ask for the deletion, somebody else can get into your account: set a new password.",
    signIn: "Sign in",
    newPassword: "Set a new password",
  },
  home: "Go to the start page",
};
