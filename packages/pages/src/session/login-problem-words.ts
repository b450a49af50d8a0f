// Owns the words of failed sign-ins with an identity provider.

import type { LoginProblem } from "@lockstep/kit";
import type { FailureWords } from "../words/errors.ts";

export const loginProblemWords = {
  /** Replaces the name of an unknown identity provider. */
  someProvider: "the identity provider",
  /** The text begins with a capital letter when it is shown. */
  problems: {
    cancelled: (provider: string) => ({
      title: "Cancelled",
      text: `You cancelled at ${provider}. Try again whenever you like.`,
    }),
    refused: (provider: string) => ({
      title: "That did not work",
      text: `${provider} refused the sign-in. If it happens again, tell the people who run this service.`,
    }),
    unavailable: (provider: string) => ({
      title: "The identity provider cannot be reached",
      text: `${provider} did not answer. Try again in a moment, or sign in another way.`,
    }),
    untrusted: (provider: string) => ({
      title: "That did not work",
      text: `${provider} sent an answer that could not be verified. Try again from this page.`,
    }),
    expired: () => ({
      title: "That took too long",
      text: "This sign-in has expired or was used before. Start again from this page.",
    }),
    unknown_provider: () => ({ title: "There is no such identity provider", text: "The link may be old." }),
    account_exists: (provider: string) => ({
      title: "You already have an account here",
      text: `An account with your e-mail address exists. Sign in to it as before, then link ${provider} under “Linked accounts”.`,
    }),
    no_account: (provider: string) => ({
      title: "There is no account for you",
      text: `Your account at ${provider} is not linked to an account here, and this service does not create one. Ask the people who run this service.`,
    }),
    email_unverified: (provider: string) => ({
      title: "Your e-mail address is not verified",
      text: `Verify it at ${provider}, then try again.`,
    }),
    not_admitted: () => ({
      title: "This is not possible here",
      text: "This service does not let you in from here at the moment. Ask the people who run it.",
    }),
    disabled: () => ({
      title: "This account was disabled",
      text: "Nobody can sign in to it. Ask the people who run this service.",
    }),
    identity_taken: (provider: string) => ({
      title: "Not linked",
      text: `Your account at ${provider} opens another account here. Unlink it there first.`,
    }),
    session_ended: () => ({
      title: "Not linked",
      text: "Your session changed in the meantime. Try again from this page.",
    }),
  } satisfies Record<LoginProblem, (provider: string) => FailureWords>,
};
