// Owns the list of pages for people who are signed in: their addresses, and how the navigation calls them. Also
// which pages are fetched only when they are opened.

import type { ComponentType } from "react";
import { lazyPage } from "../shell/lazy-page.tsx";
import { AccountPage } from "./account.tsx";
import { GreetingPage } from "./greeting.tsx";

export interface PageEntry {
  /** Ends in `/*?` where further pages are below it. */
  readonly path: string;
  /** Its name in the navigation. Left out: it is reached from elsewhere. */
  readonly navLabel?: string;
  readonly Page: ComponentType;
}

export const pages: readonly PageEntry[] = [
  { path: "/", navLabel: "Account", Page: AccountPage },
  { path: "/greeting", navLabel: "Greeting", Page: GreetingPage },
  {
    path: "/sessions",
    navLabel: "Sessions",
    Page: lazyPage(async () => (await import("./sessions.tsx")).SessionsPage),
  },
  {
    path: "/apps",
    navLabel: "Apps",
    Page: lazyPage(async () => (await import("./connected-apps.tsx")).ConnectedAppsPage),
  },
  {
    path: "/developer/*?",
    navLabel: "Developer",
    Page: lazyPage(async () => (await import("./developer/developer.tsx")).DeveloperPages),
  },
  {
    path: "/linked-accounts",
    Page: lazyPage(async () => (await import("./linked-accounts.tsx")).LinkedAccountsPage),
  },
  { path: "/password", Page: lazyPage(async () => (await import("./password.tsx")).PasswordPage) },
];

/** The address that the navigation leads to. */
export const rootOf = ({ path }: PageEntry): string => path.replace(/\/\*\?$/, "");

/** Where the server sends a person whom an application asks for access. */
export const interactionPath = "/interaction/:authorizationId";

export const InteractionPage = lazyPage(async () => (await import("./interaction.tsx")).InteractionPage);

export const ProtocolPages = lazyPage(async () => (await import("./protocol-pages.tsx")).ProtocolPages);
