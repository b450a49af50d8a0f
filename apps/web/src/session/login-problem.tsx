// Says why signing in through a provider came to nothing, and what to do about it.

import type { LoginProblem } from "@lockstep/kit";
import { Alert } from "@mantine/core";
import { useSearch } from "wouter";
import { useProviders } from "./use-providers.ts";

type Words = readonly [title: string, text: (provider: string) => string];

const words: Readonly<Record<LoginProblem, Words>> = {
  cancelled: ["Cancelled", (provider) => `You cancelled at ${provider}. Try again whenever you like.`],
  refused: [
    "That did not work",
    (provider) => `${provider} refused. If it does so again, tell whoever runs this service.`,
  ],
  unavailable: [
    "The provider cannot be reached",
    (provider) => `${provider} did not answer as it should. Try again in a moment, or sign in another way.`,
  ],
  untrusted: [
    "That did not work",
    (provider) => `What came back from ${provider} could not be trusted. Try again from this page.`,
  ],
  expired: ["That took too long", () => "This sign-in has expired or was used before. Begin again from this page."],
  unknown_provider: ["There is no such provider", () => "The link that you followed may be old."],
  account_exists: [
    "You have an account here already",
    (provider) =>
      `An account with your e-mail address exists. Sign in to it the way you did so far, then link ${provider} under “Linked accounts”.`,
  ],
  no_account: [
    "There is no account for you",
    (provider) =>
      `Nobody has linked this account of ${provider}, and none is made for it. Ask whoever runs this service.`,
  ],
  email_unverified: ["Your e-mail address is not verified", (provider) => `Verify it at ${provider}, then try again.`],
  disabled: ["This account was disabled", () => "Nobody can sign in to it for now. Ask whoever runs this service."],
  identity_taken: [
    "Not linked",
    (provider) => `This account of ${provider} opens another account here. Unlink it there first.`,
  ],
  session_ended: ["Not linked", () => "Your session changed meanwhile. Try again from this page."],
};

/** What the address of this page tells of a sign-in that was refused. */
export const LoginProblemNotice = () => {
  const search = new URLSearchParams(useSearch());
  const providers = useProviders();
  const problem = search.get("problem") ?? "";
  // What an address says is whatever its author wanted: only words of our own are shown.
  if (!Object.hasOwn(words, problem)) return null;
  const [title, text] = words[problem as LoginProblem];
  const provider = providers.find(({ name }) => name === search.get("provider"))?.label ?? "the provider";
  const sentence = text(provider);
  return (
    <Alert role="alert" color="yellow" title={title}>
      {sentence.charAt(0).toUpperCase() + sentence.slice(1)}
    </Alert>
  );
};
