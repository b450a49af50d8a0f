// Owns the list of this app's addresses, in wouter's spelling. The server reads it too, and refuses to start when an
// operation's REST path is one of them: add a page here first. Stands alone, for the server runs it as it is.

export const paths = {
  account: "/",
  signIn: "/sign-in",
  notes: "/notes",
  sessions: "/sessions",
  apps: "/apps",
  /** Ends in `/*?` where further pages are below it. */
  developer: "/developer/*?",
  linkedAccounts: "/linked-accounts",
  password: "/password",
  /** Where the server sends a person whom an app asks for access. */
  interaction: "/interaction/:authorizationId",
} as const;

/** No page is anywhere else. */
export type PagePath = (typeof paths)[keyof typeof paths];
