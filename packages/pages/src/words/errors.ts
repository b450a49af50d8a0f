// Owns the texts of failed calls. An error of the engine without words does not compile here; the app has the words of
// its own errors.

import type { EngineErrors, Errors, RpcErrorData } from "@lockstep/kit";

/** The texts of a failure for users. */
export interface FailureWords {
  readonly title: string;
  readonly text: string;
}

/** The words of one error: constant, or made from its details. */
export type ErrorWords<Failure> = FailureWords | ((failure: Failure) => FailureWords);

/** The words of each error of `Es`. */
export type ErrorWordsOf<Es extends Errors> = {
  readonly [C in keyof Es & string]: ErrorWords<RpcErrorData<Es, C>>;
};

/** Failures that no server answered. */
export type LocalFailureCode = "UNREACHABLE" | "OFFLINE";

export type EngineErrorWords = ErrorWordsOf<EngineErrors> & { readonly [C in LocalFailureCode]: FailureWords };

const outdated = (text: string): FailureWords => ({
  title: "This page is out of date",
  text: `${text} Reload the page: the app may have been updated.`,
});
const busy: FailureWords = { title: "The server is busy", text: "Try again shortly." };
const notSaved = (text: string): FailureWords => ({ title: "Not saved", text });
const notAllowed = (text: string): FailureWords => ({ title: "You are not allowed to do this", text });
const signIn = (text: string): FailureWords => ({ title: "You need to sign in", text });

const afterExpiry = (path: string | undefined): string => {
  if (path === "factor.complete") return "Press Cancel, then add it again.";
  return path === "auth.stepUp" || path === "auth.loginWithPasskey"
    ? "Try again."
    : "Sign in again. The second step has to follow within 10 minutes, in the same browser.";
};

export const errorWords: EngineErrorWords = {
  UNREACHABLE: {
    title: "The server cannot be reached",
    text: "It did not answer. It may be restarting: try again in a moment.",
  },
  OFFLINE: { title: "You are offline", text: "This needs the server. Connect to a network, then try again." },

  MALFORMED_REQUEST: outdated("The server could not read the request."),
  INVALID_INPUT: ({ details }) => ({
    title: "Some of what you entered is not valid",
    text: details.issues.map(({ message }) => message).join(" "),
  }),
  OPERATION_NOT_FOUND: outdated("The server does not have this operation."),
  METHOD_NOT_ALLOWED: outdated("The server does not have this operation."),
  REQUEST_TIMEOUT: { title: "The request was interrupted", text: "The connection was lost before an answer arrived." },
  PAYLOAD_TOO_LARGE: { title: "This is too large", text: "Send less at once." },
  UNSUPPORTED_MEDIA_TYPE: outdated("The server could not read the request."),
  HEADERS_TOO_LARGE: outdated("The request was too large."),
  CANCELLED: { title: "The request was interrupted", text: "The connection was lost before an answer arrived." },
  INTERNAL: ({ requestId }) => ({
    title: "Something went wrong on our side",
    text: `Try again in a moment. If it keeps happening, report it with this reference: ${requestId}`,
  }),
  UNAVAILABLE: busy,
  OVERLOADED: busy,

  UNAUTHENTICATED: signIn("Sign in first."),
  INVALID_TOKEN: signIn("Your session has ended. Sign in again."),
  SESSION_ENDED: signIn("Your session has ended. Sign in again."),
  INVALID_DPOP_PROOF: outdated("The server refused the access token."),
  DPOP_NONCE_NEEDED: outdated("The server refused the access token."),
  AMBIGUOUS_TOKEN: outdated("The server refused the access token."),
  REAUTHENTICATION_REQUIRED: {
    title: "You need to sign in again",
    text: "This only works shortly after you signed in. The sign-in form could not be loaded: try again in a moment.",
  },
  FIRST_PARTY_ONLY: notAllowed("Only this service’s own apps may do this."),
  ROLE_REQUIRED: notAllowed("Your role does not include this."),
  INSUFFICIENT_SCOPE: notAllowed("The app was not given access to this."),
  USER_REQUIRED: notAllowed("This needs a person who is signed in."),

  TOO_MANY_ATTEMPTS: ({ path }) => ({
    title: "Too many attempts",
    text:
      path?.startsWith("account.") || path === "auth.requestSignInCode"
        ? "The number of codes and attempts is limited, so that nobody gets mail without end, or finds out who has an account here."
        : "Passwords and codes are not checked until the wait is over, so that nobody can guess yours.",
  }),
  TOO_MANY_STREAMS: { title: "Too many pages are open", text: "Close one, or try again later." },
  NOT_ADMITTED: ({ details }) => ({ title: "This is not possible here", text: details.explanation }),
  CHALLENGE_REQUIRED: {
    title: "Your browser could not show that you are not a program",
    text: "Try again, or use another browser.",
  },
  CREDENTIALS_IN_BATCH: outdated("The server could not read the request."),
  FOREIGN_ORIGIN: {
    title: "This page cannot sign in here",
    text: "Open the page at this service’s own address.",
  },
  SERVERS_ONLY: outdated("The server refused the request."),
  INVALID_CREDENTIALS: { title: "Not signed in", text: "The username or the password is wrong." },

  AUTHORIZATION_NOT_FOUND: {
    title: "This request is no longer open",
    text: "It was answered or has expired. Go back to the app and start again.",
  },
  CLIENT_NOT_FOUND: { title: "There is no such app", text: "It may have been deleted." },
  SESSION_NOT_FOUND: { title: "This session has already ended", text: "There is nothing left to end." },
  CLIENT_NAME_REFUSED: ({ details }) => notSaved(details.explanation),
  CLIENT_HAS_NO_SECRET: notSaved("This app has no secret. It signs with its own key, or cannot keep a secret."),
  PASSWORD_REFUSED: ({ details }) => notSaved(details.explanation),
  PASSWORD_EXISTS: notSaved("Your account already has a password. Change it instead."),
  PROVIDER_NOT_FOUND: notSaved("This identity provider is not available."),
  IDENTITY_NOT_FOUND: notSaved("This account is not linked any more."),
  LAST_WAY_IN: notSaved("This is your only way to sign in. Add another one first."),
  SIGN_UP_REFUSED: ({ details }) => ({ title: "You cannot sign up with this address", text: details.explanation }),
  USERNAME_REFUSED: ({ details }) => notSaved(details.explanation),
  SIGN_IN_CODE_OFF: { title: "This is turned off", text: "Sign in with your password." },
  FACTOR_REFUSED: { title: "Not accepted", text: "This code or passkey does not work. Try again." },
  CHALLENGE_EXPIRED: ({ path }) => ({ title: "This took too long", text: afterExpiry(path) }),
  FACTOR_NOT_FOUND: notSaved("It has been removed already."),
  TRUSTED_DEVICE_NOT_FOUND: notSaved("This device is not trusted any more."),
  LAST_FACTOR: notSaved("Your account needs a second factor, and this is the only one. Add another one first."),
  TOO_MANY_FACTORS: ({ details }) => notSaved(`Your account can have ${details.max} of these. Remove one first.`),
  PASSKEYS_OFF: { title: "This needs a passkey", text: "Passkeys do not work at this address." },
  MAIL_OFF: { title: "This needs mail", text: "This service sends no mail. Ask the people who run it." },
  PROOF_REFUSED: { title: "This code or link does not work", text: "Check it, or ask for another one." },
  DELETION_PENDING: { title: "This account is to be deleted", text: "To use it again, cancel the deletion." },
  LAST_ADMINISTRATOR: notAllowed("You are the only administrator. Make somebody else one first."),
  EMAIL_TAKEN: notSaved("Another account uses this e-mail address."),
};
