// Owns the words of the page of linked accounts.

import type { ReactNode } from "react";

export const linkedAccountsWords = {
  title: "Linked accounts",
  /** The link to the page above this one. */
  back: "Security",
  lead: "Accounts elsewhere that you can sign in with.",
  nowLinked: (provider: string): string => `${provider} is linked. You can now sign in with it.`,
  purpose: "Changing how you sign in",
  listTitle: "You can sign in with",
  none: "No account elsewhere is linked yet.",
  /** "john@example.com, linked 1 Jan 2026, 10:00" */
  linked: "linked",
  /** `setPassword` is a link. */
  onlyWayIn: (setPassword: ReactNode): ReactNode => (
    <>This is your only way to sign in. Link another account or {setPassword} before you unlink it.</>
  ),
  setPassword: "set a password",
  canLink: "You can link",
  link: "Link",
  linkOf: (provider: string): string => `Link ${provider}`,
  unlink: "Unlink",
  unlinkOf: (provider: string): string => `Unlink ${provider}`,
  question: {
    title: (provider: string): string => `Unlink ${provider}?`,
    /** `email`: `null` if the identity provider sent none. */
    text: (provider: string, email: string | null): string =>
      `You can no longer sign in with ${email ?? "this account"} at ${provider}. Your other sessions that started with it end.`,
    confirm: "Unlink",
    confirming: "Unlinking…",
  },
};
