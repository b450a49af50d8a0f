// Owns the list of pages for people who are signed in: their addresses, and how the navigation calls them. Also
// which pages are fetched only when they are opened.

import type { ComponentType } from "react";
import { lazyPage } from "../shell/lazy-page.tsx";
import { AccountPage } from "./account.tsx";
import { NotesPage } from "./notes.tsx";
import { type PagePath, paths } from "./paths.ts";

export interface PageEntry {
  readonly path: PagePath;
  /** Its name in the navigation. Left out: it is reached from elsewhere. */
  readonly navLabel?: string;
  readonly Page: ComponentType;
}

export const pages: readonly PageEntry[] = [
  { path: paths.account, navLabel: "Account", Page: AccountPage },
  { path: paths.notes, navLabel: "Notes", Page: NotesPage },
  {
    path: paths.sessions,
    navLabel: "Sessions",
    Page: lazyPage(async () => (await import("./sessions.tsx")).SessionsPage),
  },
  {
    path: paths.apps,
    navLabel: "Apps",
    Page: lazyPage(async () => (await import("./connected-apps.tsx")).ConnectedAppsPage),
  },
  {
    path: paths.developer,
    navLabel: "Developer",
    Page: lazyPage(async () => (await import("./developer/developer.tsx")).DeveloperPages),
  },
  {
    path: paths.linkedAccounts,
    Page: lazyPage(async () => (await import("./linked-accounts.tsx")).LinkedAccountsPage),
  },
  { path: paths.password, Page: lazyPage(async () => (await import("./password.tsx")).PasswordPage) },
];

/** The address that the navigation leads to. */
export const rootOf = ({ path }: PageEntry): string => path.replace(/\/\*\?$/, "");

export const InteractionPage = lazyPage(async () => (await import("./interaction.tsx")).InteractionPage);

export const ProtocolPages = lazyPage(async () => (await import("./protocol-pages.tsx")).ProtocolPages);
