// Owns the words of the page of passkeys and second factors.

import type { ReactNode } from "react";

export const secondFactorsWords = {
  title: "Passkeys and second factors",
  /** The link to the page above this one. */
  back: "Security",
  lead: "What you prove besides your password, or in place of it.",
  purpose: "Changing your second factors",
  passkeys: {
    title: "Passkeys",
    text: "A passkey signs you in with your fingerprint, face or PIN, and cannot be typed into a wrong page.",
    none: "No passkey yet.",
  },
  apps: {
    title: "Authenticator apps",
    text: "An app on your phone shows a code of six digits, which you enter after your password.",
    none: "No authenticator app yet.",
  },
  /** `added`, `used`: such as "2 days ago". `used`: `null` if never. */
  facts: (added: ReactNode, used: ReactNode | null): ReactNode =>
    used === null ? (
      <>Added {added}, not used yet</>
    ) : (
      <>
        Added {added}, last used {used}
      </>
    ),
  rename: "Rename",
  renameOf: (name: string): string => `Rename ${name}`,
  newName: "New name",
  save: "Save",
  saving: "Saving…",
  cancel: "Cancel",
  remove: "Remove",
  removeOf: (name: string): string => `Remove ${name}`,
  question: {
    title: (name: string): string => `Remove ${name}?`,
    text: "You can no longer sign in with it. Sessions in other places that used it end.",
    confirm: "Remove",
    confirming: "Removing…",
  },
  codes: {
    title: "Recovery codes",
    text: "Each opens your account once, when you have lost the rest.",
    left: (count: number): string => {
      if (count === 0) return "You have no recovery codes.";
      return count === 1 ? "1 code is left." : `${count} codes are left.`;
    },
    few: "Make new ones before you run out.",
    make: "Make recovery codes",
    renew: "Make new codes",
    making: "Making codes…",
    shown: "Keep these codes in a safe place. They are shown only now. Earlier codes no longer work.",
    download: "Download",
    fileName: (username: string): string => `recovery-codes-${username}.txt`,
    done: "I have kept them",
  },
  devices: {
    title: "Trusted devices",
    text: "These devices sign in without a second factor.",
    none: "No device is trusted.",
    forget: "Forget",
    forgetOf: (name: string): string => `Forget ${name}`,
    /** `until`: such as "3 Dec 2026, 10:00". */
    until: (until: ReactNode): ReactNode => <>Until {until}</>,
  },
};
