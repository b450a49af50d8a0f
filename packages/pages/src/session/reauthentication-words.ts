// Owns the words of reauthentication.

export const reauthenticationWords = {
  enterPassword: "Enter your password again",
  signIn: "Sign in again",
  /** `purpose` completes "… only works shortly after you signed in." */
  why: (purpose: string): string => `${purpose} only works shortly after you signed in. That was a while ago.`,
  yourPassword: "Your password",
  wrongPassword: "This is not your password.",
  continue: "Continue",
  checking: "Checking…",
  cannot: (providers: string): string => `${providers} cannot ask you to sign in again. `,
  needsPassword:
    "You need a password for this. Ask the people who run this service to set one for you, then sign in with it.",
  /** The user has second factors. */
  stepUp: {
    title: "Confirm that it is you",
    /** `purpose` completes "… needs your second factor." For what needs it at any time since the sign-in. */
    why: (purpose: string): string => `${purpose} needs your second factor.`,
    passkey: "Use a passkey",
    waiting: "Waiting for your passkey…",
    code: "Code of your authenticator app, or a recovery code",
    refused: "This code does not work.",
    noPasskey: "No passkey was given. Try again, or use another way.",
  },
  /** The operation needs a factor that the user does not have. */
  missing: {
    title: "This needs a second factor",
    factor: "You can do this once you have added a passkey or an authenticator app to your account.",
    passkey: "You can do this once you have added a passkey to your account.",
    add: "Add one",
  },
  one: (provider: string): string => `${provider} will ask you to sign in, then bring you back to this page.`,
  oneOfThese: "One of these will ask you to sign in, then bring you back to this page.",
};
