// Owns the words of the page for the e-mail address of the account.

import type { ReactNode } from "react";

export const emailWords = {
  title: "E-mail address",
  /** The link to the page above this one. */
  back: "Security",
  lead: "You can sign in with it, and recover your account when you forget your password.",
  purpose: "Changing your e-mail address",
  current: "Your address",
  none: "Your account has no address. If you forget your password, nobody can help you.",
  verified: "Verified",
  unverified: "Not verified",
  unverifiedHint:
    "Show that this address is yours: until then, you cannot recover your account with it. Somebody else may have entered it, so this also ends your other sessions, the access of apps, and other ways to sign in.",
  verify: "Send a code to it",
  remove: "Remove the address",
  removeQuestion: {
    title: "Remove your address?",
    text: "You can then no longer sign in with it. If you forget your password, you cannot recover your account.",
    confirm: "Remove",
    confirming: "Removing…",
  },
  change: "Change the address",
  add: "Add an address",
  new: "New e-mail address",
  hint: "A code is sent to it. The address changes when you enter the code here. The old one gets a notice.",
  addHint: "A code is sent to it. Your account gets the address when you enter the code here.",
  submit: "Send a code",
  submitting: "Sending…",
  sent: (email: ReactNode): ReactNode => <>A mail with a code is on its way to {email}.</>,
  changeEmail: "Use another address",
  finish: {
    title: "Use this address?",
    lead: (email: ReactNode): ReactNode => <>{email} becomes the address of your account.</>,
    submit: "Use this address",
    submitting: "One moment…",
    cancel: "Cancel",
  },
  done: (email: string): string => `The address of your account is ${email}.`,
  removed: "Your account has no address any more.",
};
