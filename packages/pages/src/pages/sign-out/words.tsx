// Owns the words of signing out at the request of an app.

import type { ReactNode } from "react";

export const signOutWords = {
  ask: {
    title: (service: string): string => `Sign out of ${service}?`,
    titleToo: (service: string): string => `Sign out of ${service} too?`,
    lead: (app: string): string => `You signed out of ${app}, and it asks to sign you out here too.`,
    text: "If you share this device with others, sign out. Connected apps keep their access.",
    /** `host` is where the person goes next. */
    next: (host: ReactNode): ReactNode => <>You then continue to {host}.</>,
    signOut: (service: string): string => `Sign out of ${service}`,
    signOutToo: (service: string): string => `Sign out of ${service} too`,
    stay: "Stay signed in",
  },
  done: { title: "You have signed out", lead: "You can close this page.", signIn: "Sign in again" },
};
