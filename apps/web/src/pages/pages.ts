// Owns the list of pages for people who are signed in: their addresses, and how the navigation calls them.

import type { ComponentType } from "react";
import { AccountPage } from "./account.tsx";
import { GreetingPage } from "./greeting.tsx";
import { LinkedAccountsPage } from "./linked-accounts.tsx";
import { PasswordPage } from "./password.tsx";
import { SessionsPage } from "./sessions.tsx";

export interface PageEntry {
  readonly path: string;
  /** Its name in the navigation. Left out: it is reached from elsewhere. */
  readonly navLabel?: string;
  readonly Page: ComponentType;
}

export const pages: readonly PageEntry[] = [
  { path: "/", navLabel: "Account", Page: AccountPage },
  { path: "/greeting", navLabel: "Greeting", Page: GreetingPage },
  { path: "/sessions", navLabel: "Sessions", Page: SessionsPage },
  { path: "/linked-accounts", Page: LinkedAccountsPage },
  { path: "/password", Page: PasswordPage },
];
