// Owns the words that several pages share.

import type { SessionEndReason } from "@lockstep/kit";
import type { FailureWords } from "./errors.ts";

export const failureWords = {
  tryAgain: "Try again",
  trying: "Trying…",
  canTryAgain: "You can try again now.",
  wait: (seconds: number): string => {
    if (seconds > 90) return `You can try again in ${Math.ceil(seconds / 60)} minutes.`;
    return seconds === 1 ? "You can try again in 1 second." : `You can try again in ${seconds} seconds.`;
  },
  /** The texts of an unknown error. */
  unknown: { title: "Something went wrong", text: "Reload the page: the app may have been updated." },
};

export const layoutWords = {
  /** The names of the pages in the navigation. */
  navigation: {
    account: "Account",
    security: "Security",
    sessions: "Sessions",
    apps: "Apps",
    developer: "Developer",
  },
  /** The name of the navigation, for screen readers. */
  mainNavigation: "Main",
  /** The button that shows the navigation in narrow windows. */
  menu: "Menu",
  oneMoment: "One moment…",
  cancel: "Cancel",
  offline: "You are offline. What you see may be out of date.",
  colors: "Colours",
  colorSchemes: { auto: "System", light: "Light", dark: "Dark" },
  notLoaded: {
    title: "This page could not be loaded",
    lead: "There may be no network, or the app was updated. Reload the page: you stay signed in.",
    reload: "Reload the page",
  },
};

export const clientWords = {
  notVerified: "Not verified",
  /** Before a user decides about an unverified app. */
  warning:
    "Nobody at this service has checked who runs this app. It may not be what its name says. Continue only if you know it and came from it just now.",
  /** The same, where the app is at an address. `host` is shown in bold. */
  warningBeforeHost:
    "Nobody at this service has checked who runs this app. It may not be what its name says. Continue only if you know it, came from it just now, and trust",
};

export const sessionWords = {
  username: "Username or e-mail address",
  password: "Password",
  showPassword: (label: string): string => `Show the ${label.toLowerCase()}`,
  signIn: "Sign in",
  signingIn: "Signing in…",
  signOut: "Sign out",
  signingOut: "Signing out…",
  forgotPassword: "Forgot password?",
  createAccount: "Create account",
  sendCode: "Send me a code instead",
  /** Between the form and the identity providers. */
  or: "or",
  continueWith: (provider: string): string => `Continue with ${provider}`,
  notConnected: "Not connected",

  /** Why the person is no longer signed in. */
  ended: {
    left: "You have signed out.",
    signedOutElsewhere: "You have signed out in another window.",
    reasons: {
      revoked: {
        title: "This session was ended",
        text: "Somebody who is signed in to your account ended it, or an administrator did. If it was not you, sign in and change your password.",
      },
      password_changed: {
        title: "The password of your account was changed",
        text: "That ended your other sessions, including this one. Sign in with the new password. If you did not change it, tell the people who run this service now.",
      },
      reused: {
        title: "This session was ended to protect you",
        text: "Somebody may have copied this browser’s session. Sign in again, end the sessions that you do not recognise, and change your password.",
      },
      provider_signed_out: {
        title: "You have signed out at the identity provider",
        text: "You had signed in through it, so this session has ended as well.",
      },
      disabled: {
        title: "This account was disabled",
        text: "Nobody can sign in to it. Ask the people who run this service.",
      },
      deletion_requested: {
        title: "Your account will be deleted",
        text: "You are signed out everywhere. If you want to keep the account, sign in.",
      },
      factor_required: {
        title: "Your account needs a second factor",
        text: "Sign in again to add one.",
      },
      expired: { title: "Your session has expired", text: "Sign in again to continue." },
      unknown: { title: "Your session has ended", text: "Sign in again to continue." },
    } satisfies Record<Exclude<SessionEndReason, "signed_out">, FailureWords>,
  },
};
