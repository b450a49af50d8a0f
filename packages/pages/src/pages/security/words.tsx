// Owns the words of the security page.

import type { ReactNode } from "react";

export const securityWords = {
  title: "Security",
  lead: "What protects your account, and where it is in use.",
  signIn: "Signing in",
  use: "In use",
  /** An operator is removing the second factors. */
  reset: {
    title: "Your second factors will be removed",
    /** `when`: such as "3 Dec 2026, 10:00". */
    text: (when: ReactNode): ReactNode => (
      <>
        An administrator will remove your passkeys, authenticator apps and recovery codes on {when}. If you did not ask
        for this, or if you still have one of them, stop the removal.
      </>
    ),
    stop: "Stop the removal",
    stopped: "The removal was stopped. Your second factors stay.",
    /** Completes "… only works shortly after you signed in." */
    purpose: "Stopping the removal",
  },
  password: {
    title: "Password",
    none: "Not set",
    isSet: "Set",
    /** `when`: such as "2 days ago". */
    setSince: (when: ReactNode): ReactNode => <>Set {when}</>,
    change: "Change your password",
    set: "Set a password",
  },
  secondFactors: {
    title: "Passkeys and second factors",
    none: "None. Somebody who knows your password can sign in.",
    /** `codes`: how many recovery codes are left. */
    some: (count: number, codes: number): string =>
      `${count === 1 ? "1 is set up" : `${count} are set up`}. ${codes === 1 ? "1 recovery code is left." : `${codes} recovery codes are left.`}`,
    add: "Add one",
    see: "See passkeys and second factors",
  },
  email: {
    title: "E-mail address",
    none: "None. If you forget your password, nobody can help you.",
    verified: "Verified",
    unverified: "Not verified",
    add: "Add an address",
    change: "Change your address",
    verify: "Verify your address",
  },
  linkedAccounts: {
    title: "Linked accounts",
    none: "None. You can link an account elsewhere, and sign in with it.",
    see: "See linked accounts",
  },
  sessions: {
    title: "Sessions",
    /** `count`: how many besides this one. */
    others: (count: number): string => {
      if (count === 0) return "You are signed in here only.";
      return count === 1
        ? "You are signed in here, and in one more place."
        : `You are signed in here, and in ${count} more places.`;
    },
    see: "See your sessions",
  },
  apps: {
    title: "Connected apps",
    count: (count: number): string => {
      if (count === 0) return "No app has access.";
      return count === 1 ? "1 app has access." : `${count} apps have access.`;
    },
    see: "See connected apps",
  },
};
