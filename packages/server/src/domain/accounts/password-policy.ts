// Owns which new passwords are accepted: long ones that attackers do not try first. No composition rules, no expiry, no
// hints. @see NIST SP 800-63B-4 §3.1.1.2

import { createHash } from "node:crypto";
import { passwordLength } from "@lockstep/kit";
import { DomainError } from "../kernel/domain-error.ts";

export interface Refusal {
  readonly reason: "too_short" | "too_long" | "guessable" | "breached";
  /** One sentence for the user who chose it. */
  readonly message: string;
}

export interface PasswordPolicyOptions {
  /**
   * A service with the k-anonymity interface of Have I Been Pwned (`…/range/`); `null`: none. It receives five
   * characters of the password's SHA-1. When it does not answer in time, the password is accepted.
   */
  readonly breachedPasswordsUrl: string | null;
  readonly fetch: typeof globalThis.fetch;
  /** Words that attackers try at this service: its name and host. */
  readonly contextWords: readonly string[];
}

/**
 * Passwords that take fewer guesses are within reach of an attacker with one stolen hash. zxcvbn's highest score starts
 * here.
 */
const leastGuesses = 1e10;

const breachLookupTimeoutMs = 2000;

export type PasswordPolicy = ReturnType<typeof createPasswordPolicy>;

export const createPasswordPolicy = ({ breachedPasswordsUrl, fetch, contextWords }: PasswordPolicyOptions) => ({
  /** @throws DomainError `PASSWORD_REFUSED` */
  async assertAllowed(password: string, personal: readonly string[]): Promise<void> {
    const refusal = await this.refusalOf(password, personal);
    if (refusal) throw new DomainError("PASSWORD_REFUSED", { reason: refusal.reason, explanation: refusal.message });
  },

  /**
   * Why a new password is refused; `null`: it is accepted. `personal`: the person's name, e-mail address and the like.
   */
  async refusalOf(password: string, personal: readonly string[]): Promise<Refusal | null> {
    const characters = [...password.normalize("NFKC")].length;
    if (characters < passwordLength.min) {
      return {
        reason: "too_short",
        message: `Use at least ${passwordLength.min} characters: a few words in a row do.`,
      };
    }
    // As the schema of passwords counts: as they were typed.
    if ([...password].length > passwordLength.max) {
      return { reason: "too_long", message: `Use at most ${passwordLength.max} characters.` };
    }
    const { guesses, feedback } = await estimate(password, withParts([...contextWords, ...personal]));
    if (guesses < leastGuesses) {
      return {
        reason: "guessable",
        message: `This is easy to guess. ${guessableBecause(feedback.warning)}`,
      };
    }
    if (breachedPasswordsUrl !== null && (await isBreached(password, breachedPasswordsUrl, fetch))) {
      return { reason: "breached", message: "This password has appeared in a data breach. Choose another." };
    }
    return null;
  },
});

/** zxcvbn names its warnings by a key; these are the sentences. */
const warnings: Readonly<Record<string, string>> = {
  straightRow: "It is a row of keys on the keyboard.",
  keyPattern: "It is a short pattern of keys on the keyboard.",
  simpleRepeat: "It is one character again and again.",
  extendedRepeat: "It is the same few characters again and again.",
  sequences: "It is a sequence such as abc or 123.",
  recentYears: "It is made of years.",
  dates: "It is made of dates.",
  topTen: "It is one of the most common passwords.",
  topHundred: "It is one of the most common passwords.",
  common: "It is a common password.",
  similarToCommon: "It is too close to a common password.",
  wordByItself: "It is a single word.",
  namesByThemselves: "It is made of names.",
  commonNames: "It is made of common names.",
  userInputs: "It is made of your own name or address, or of this service's.",
};

const guessableBecause = (warning: string | null) => warnings[warning ?? ""] ?? "Choose less common words.";

/** Each word and its parts: for `jane.doe@example.com` also `jane`, `doe` and `example`. */
const withParts = (words: readonly string[]) =>
  words.flatMap((word) => [word, ...word.split(/[^\p{L}\p{N}]+/u).filter((part) => part.length >= 3)]);

/** The dictionaries take several megabytes, so they are loaded for the first new password. */
const loadEstimator = async () => {
  const [{ ZxcvbnFactory }, { dictionary, adjacencyGraphs }] = await Promise.all([
    import("@zxcvbn-ts/core"),
    import("@zxcvbn-ts/language-common"),
  ]);
  return new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs, maxLength: 128 });
};

/** Shared: to rank the dictionaries takes seven times as long as to check a password. A check leaves nothing in it. */
let estimator: ReturnType<typeof loadEstimator> | undefined;

const estimate = async (password: string, words: string[]) => {
  estimator ??= loadEstimator();
  return (await estimator).check(password, words);
};

const isBreached = async (password: string, url: string, fetch: typeof globalThis.fetch): Promise<boolean> => {
  const digest = createHash("sha1").update(password).digest("hex").toUpperCase();
  try {
    const answer = await fetch(`${url.replace(/\/$/, "")}/${digest.slice(0, 5)}`, {
      headers: { "add-padding": "true" },
      signal: AbortSignal.timeout(breachLookupTimeoutMs),
    });
    if (!answer.ok) return false;
    const rest = digest.slice(5);
    // A padding line has the count 0.
    return (await answer.text()).split("\n").some((line) => line.startsWith(`${rest}:`) && line.trim() !== `${rest}:0`);
  } catch {
    return false;
  }
};
