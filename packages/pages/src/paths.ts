// Owns the addresses of the pages, in wouter's spelling, and how an app adds its own. It has no imports: Vite's
// configuration and a server in development load it as it is.

import type { ComponentType } from "react";

/** The addresses of the pages of this package. */
export const paths = {
  account: "/",
  signIn: "/sign-in",
  signInCode: "/sign-in/code",
  signUp: "/sign-up",
  recover: "/recover",
  /** What a link in a mail opens. Its secret is in the fragment, which no server gets. */
  proof: "/proof",
  email: "/email",
  security: "/security",
  sessions: "/sessions",
  apps: "/apps",
  /** Ends in `/*?` where further pages are below it. */
  developer: "/developer/*?",
  linkedAccounts: "/linked-accounts",
  password: "/password",
  yourData: "/your-data",
  secondFactors: "/second-factors",
  /** The page for authorization requests of clients. */
  consent: "/interaction/:authorizationId",
} as const;

/** A page of the app's own. */
export interface OwnPage {
  /** In wouter's spelling: `/notes`, `/notes/:id`, or `/notes/*?` where further pages are below it. */
  readonly path: `/${string}`;
  /** Its name in the navigation. Without it, the page has no link there. */
  readonly label?: string;
  /** Loads the page when it is first opened: `async () => (await import("./pages/notes.tsx")).NotesPage`. */
  readonly load: () => Promise<ComponentType>;
  /** Also shows the page to people who are not signed in. Default: they sign in first. */
  readonly public?: boolean;
}

/** The app's own pages, and every address of the web app. */
export interface OwnPages {
  readonly list: readonly OwnPage[];
  /** Every address of the web app, our pages included. No REST path may be one of them. */
  readonly paths: readonly string[];
}

/**
 * Lists the app's own pages.
 * @throws TypeError when two pages have the same address, which it names
 */
export const definePages = (list: readonly OwnPage[]): OwnPages => {
  const all: string[] = Object.values(paths);
  for (const { path } of list) {
    if (all.includes(path)) throw new TypeError(`Two pages have the address ${path}. Give one of them another.`);
    all.push(path);
  }
  return { list, paths: all };
};
