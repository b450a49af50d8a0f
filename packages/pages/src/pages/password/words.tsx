// Owns the words of the password page.

import type { ReactNode } from "react";

export const passwordWords = {
  title: "Password",
  /** The link to the page above this one. */
  back: "Security",
  lead: "A new password ends your sessions everywhere else.",
  current: "Current password",
  new: "New password",
  choose: "Choose a new password",
  wrong: "This is not your current password.",
  change: {
    title: "Change your password",
    submit: "Change the password",
    submitting: "Changing…",
    purpose: "Changing the password",
    done: "Your password has been changed",
  },
  set: {
    title: "Set a password",
    submit: "Set the password",
    submitting: "Setting…",
    purpose: "Setting a password",
    done: "Your password has been set",
    proveFirst: "Your account has no password yet. Before you set one, prove that it is you.",
  },
  othersEnded: "Your other sessions have ended.",
  seeSessions: "See your sessions",
  recent: {
    title: (days: number): string => `Added in the last ${days} days`,
    hint: "Select what you did not add yourself. It is removed when you change the password.",
    /** Before how long ago. */
    identity: (email: string | null): string =>
      email ? `A way to sign in, as ${email}. Linked` : "A way to sign in. Linked",
    app: "An app. Allowed",
    all: "All of these",
    everyApp: "End the access of all apps",
    everyAppHint: "Older ones too. Apps that you use will ask you again.",
    /** Both are links. */
    remaining: (linkedAccounts: ReactNode, apps: ReactNode): ReactNode => (
      <>
        These still have access. Remove them under {linkedAccounts} and {apps}.
      </>
    ),
    linkedAccounts: "Linked accounts",
    apps: "Connected apps",
  },
};
