// Owns the words of the page to export and to delete the account.

import type { ReactNode } from "react";

export const yourDataWords = {
  title: "Your data",
  /** The link to the page above this one. */
  back: "Account",
  lead: "Take it with you, or delete your account.",
  export: {
    title: "Export",
    text: "A file in JSON with everything that is stored about you, without secrets such as your password.",
    submit: "Download",
    submitting: "Collecting…",
    done: "The file is in your downloads.",
    purpose: "Exporting your data",
    /** The name of the file. `day` is such as `2026-11-27`. */
    fileName: (username: string, day: string): string => `${username}-${day}.json`,
  },
  delete: {
    title: "Delete your account",
    text: (days: number): string =>
      days === 0
        ? "Your account is deleted at once, with everything in it."
        : `You are signed out everywhere at once. ${days === 1 ? "One day" : `${days} days`} later, your account is deleted with everything in it.`,
    lastAdministrator:
      "You are the only administrator. Make somebody else an administrator first: then you can delete your account.",
    submit: "Delete the account",
    purpose: "Deleting your account",
    question: "Delete your account?",
    /** What is deleted. */
    goes: {
      title: "This is deleted:",
      profile: "Your name, username, e-mail address and password",
      access: "Your sessions, linked accounts, and the access of apps: at once",
      clients: (names: string): string => `The apps that you registered, for everybody who uses them: ${names}`,
      stored: "Everything that you stored here",
    },
    /** `day` is when it is deleted. */
    until: (day: ReactNode): ReactNode => (
      <>
        It is deleted for good on {day}. Until then you can keep your account: sign in again, or use the link in the
        mail that you get now.
      </>
    ),
    atOnce: "It is deleted for good, at once. Nobody can undo it.",
    cancel: "Cancel",
    confirm: "Delete my account",
    confirming: "Deleting…",
  },
};
