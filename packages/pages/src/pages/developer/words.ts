// Owns the words of the developer pages.

import type { ClientKind } from "@lockstep/kit";

interface KindWords {
  readonly name: string;
  readonly hint: string;
  /** An example of a redirect address. */
  readonly redirects: string;
}

export const developerWords = {
  title: "Developer",
  lead: "Your apps that ask people for access to their accounts here.",
  list: {
    title: "Your apps",
    register: "Register an app",
    none: "None yet. Registering an app takes a minute. You get a client ID and working code.",
    deleted: (app: string): string => `${app} was deleted.`,
    back: "All your apps",
  },
  register: {
    title: "Register an app",
    lead: "Say what your app is called, and where people return to.",
    formTitle: "Your app",
    submit: "Register",
    submitting: "Registering…",
  },
  app: { title: "App" },
  kinds: {
    web: {
      name: "An app with a server",
      hint: "Authenticates with a secret that stays on the server.",
      redirects: "https://example.com/callback, or http://localhost:4000/callback during development.",
    },
    browser: {
      name: "An app that runs in the browser",
      hint: "Everybody can read its code, so it has no secret.",
      redirects: "https://example.com/, or http://localhost:4000/ during development.",
    },
    native: {
      name: "An app on a phone, a computer or a terminal",
      hint: "Runs on the devices of its users, so it has no secret.",
      redirects: "http://127.0.0.1/callback, on any port, or a scheme of your own such as com.example.app:/callback.",
    },
    service: {
      name: "A service that acts for itself",
      hint: "It acts for itself, without a user.",
      redirects: "",
    },
  } satisfies Record<ClientKind, KindWords>,
  form: {
    kind: "Kind",
    name: "Name",
    nameHint: "Shown to people when they are asked for access.",
    homePage: "Home page",
    homePageHint: "Where people can read about it. Optional.",
    redirects: "Redirect addresses",
    redirectsHint: (example: string): string => `Where people return to, one on each line. ${example}`,
    afterSignOut: "Addresses after signing out",
    afterSignOutHint: "One on each line. Optional.",
    scopes: "What it may ask for",
  },
  credentials: {
    title: "Credentials",
    issuer: "Issuer",
    clientId: "Client ID",
    secret: "Client secret",
    copyNow: "Copy the secret now",
    shownOnce: "It is shown only once. Keep it where only your server can read it, and out of your source code.",
    wasShown: "The client secret was shown once, when it was created.",
    replace: "Create a new secret",
    replacing: "Creating…",
    question: {
      title: "Create a new secret?",
      text: "The current secret stops working immediately. The app cannot sign anybody in until it has the new one.",
    },
    purpose: "Creating a new secret",
  },
  code: {
    title: "Code to start with",
    label: "Code",
    copied: "code",
    /** How to run it. */
    howTo: {
      web: "Save it as app.mjs, run npm install openid-client, set CLIENT_SECRET in the environment, then run node app.mjs.",
      browser:
        "Run npm install openid-client, and load this in your page at the redirect address. It keeps the tokens in memory.",
      native: "For a computer or a terminal: save it as app.mjs, run npm install openid-client, then node app.mjs.",
      nativeElsewhere:
        "For a computer or a terminal. Add http://127.0.0.1/callback to the redirect addresses first. On a phone, use AppAuth with the same issuer and client ID.",
      service: "Set CLIENT_SECRET in the environment. The answer has an access token to send with calls.",
    },
  },
  change: {
    title: "Details",
    verified:
      "This app is verified. A change removes the verification until an operator has checked the app again, and asks everybody who uses it again.",
    save: "Save changes",
    saving: "Saving…",
    saved: "Saved",
    purpose: "Changing an app",
  },
  delete: {
    title: "Delete the app",
    text: "All access is revoked immediately. This can’t be undone.",
    submit: (app: string): string => `Delete ${app}`,
    question: {
      title: (app: string): string => `Delete ${app}?`,
      text: "It stops working immediately, for everybody who uses it.",
      confirm: "Delete",
      confirming: "Deleting…",
    },
    purpose: "Deleting an app",
  },
  copy: {
    button: "Copy",
    label: (what: string): string => `Copy the ${what}`,
    copied: "Copied",
    failed: "Select and copy it yourself",
  },
};
