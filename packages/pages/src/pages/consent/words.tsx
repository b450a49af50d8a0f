// Owns the words of the consent page, and of signing in on the way to it.

import type { ReactNode } from "react";

export const consentWords = {
  signIn: {
    title: "Sign in",
    lead: (app: string): string => `to continue to ${app}`,
  },
  again: {
    passwordTitle: "Enter your password again",
    title: "Sign in again",
    lead: (app: string): string => `${app} asks you to confirm that it is you.`,
    /** The user has second factors. */
    factorsTitle: "Confirm that it is you",
    /** The user has no factor that will do. */
    missingTitle: (app: string, passkey: boolean): string =>
      passkey ? `${app} asks for a passkey` : `${app} asks for a second factor`,
    missingFactor: "Add a passkey or an authenticator app to your account. After that you continue to the app.",
    missingPasskey:
      "Add a passkey to your account: your fingerprint, face or PIN then shows that it is you. After that you continue to the app.",
    /** Completes "… only works shortly after you signed in." */
    adding: "Adding a second factor",
    decline: "Go back to the app",
  },
  title: (app: string, service: string): string => `${app} asks for access to your ${service} account`,
  signedInAs: "Signed in as",
  otherAccount: "Use another account",
  signingOut: "Signing out…",
  /** Before the list of scopes. */
  asks: "It will be able to",
  asksNew: "New: it will be able to",
  allowedBefore: "Already allowed",
  howLong: "How long",
  /** `duration`: such as "14 days". */
  lasts: (duration: string): ReactNode => (
    <>
      Until you end it under <strong>Apps</strong> in your account, or until it is not used for {duration}.
    </>
  ),
  next: "Where you go next",
  backToDevice: "Back to your device, which continues by itself.",
  about: "About the app",
  allow: "Allow",
  allowing: "Allowing…",
  deny: "Deny",
  denying: "Denying…",
  goingBack: {
    title: (app: string): string => `Going back to ${app}`,
    lead: "If it does not open by itself, switch to it. It has received your answer.",
    toDevice: "One moment",
  },
  over: {
    title: "This request is no longer open",
    lead: "It was answered, has expired, or was started in another browser. Opening this page shared nothing. Go back to the app and start again.",
    home: "Go to your account",
  },
  cannotContinue: "This cannot continue yet",
};
