// Owns the words of proofs: the page that asks for a code, and those that say why a code or a link was refused.

import type { ProofRefusalReason } from "@lockstep/kit";
import type { FailureWords } from "../words/errors.ts";

export const proofsWords = {
  title: "Check your mail",
  code: "Code",
  hint: "Eight letters. They work for ten minutes.",
  notFound: "No mail? Look in your spam folder, and check the address.",
  resend: "Send a new code",
  resendIn: (seconds: number): string => `Send a new code (in ${seconds} s)`,
  resending: "Sending…",
  resent: "A new code was sent. The earlier one no longer works.",
  wrong: (triesLeft: number): string =>
    triesLeft === 1
      ? "This code is wrong. You can try once more."
      : `This code is wrong. You can try ${triesLeft} more times.`,
  startAgain: "Start again",
  /** After each of these, the user has to start again. */
  refused: {
    wrong_code: {
      title: "This code does not work",
      text: "It was not the one that was sent. Start again to get a new code.",
    },
    too_many_tries: {
      title: "Too many wrong codes",
      text: "The code no longer works, so that nobody can guess it. Start again to get a new one.",
    },
    expired: {
      title: "This has expired",
      text: "Codes and links in mails work for a short time only. Start again to get new ones.",
    },
    used: {
      title: "This was already used",
      text: "Each code and each link works once. If you completed this already, there is nothing left to do.",
    },
    cancelled: {
      title: "There is a newer mail",
      text: "You asked again later, which replaced this code and its link. Use those in the newest mail.",
    },
    other_browser: {
      title: "You started in another browser",
      text: "A code works only in the browser that asked for it. Enter it there, or start again here.",
    },
  } satisfies Record<ProofRefusalReason, FailureWords>,
};
