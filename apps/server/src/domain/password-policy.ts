// Owns which new passwords are accepted: long, and not one that an attacker tries first. No composition
// rules, no expiry, no hints. @see NIST SP 800-63B-4 §3.1.1.2

import { createHash } from "node:crypto";
import { passwordLength } from "@lockstep/contract";

export interface Refusal {
  readonly reason: "too_short" | "too_long" | "guessable" | "breached";
  /** One sentence for the person who chose it. */
  readonly message: string;
}

export interface PasswordPolicyOptions {
  /**
   * A service with the k-anonymity interface of Have I Been Pwned (`…/range/`), or `null` for none. It is sent
   * five characters of the password's SHA-1, and a password is accepted when it does not answer in time.
   */
  readonly breachedPasswordsUrl: string | null;
  readonly fetch: typeof globalThis.fetch;
  /** Words an attacker tries because of where this is: the service's name and address. */
  readonly contextWords: readonly string[];
}

/** Guesses below this many are within reach of somebody who stole one hash (zxcvbn's scale; bcrypt at cost 12). */
const leastGuesses = 1e8;

const breachLookupTimeoutMs = 2000;

export type PasswordPolicy = ReturnType<typeof createPasswordPolicy>;

export const createPasswordPolicy = ({ breachedPasswordsUrl, fetch, contextWords }: PasswordPolicyOptions) => ({
  /** Why this password cannot be somebody's new one; `null` when it can. `personal`: their name, e-mail address … */
  async refusalOf(password: string, personal: readonly string[]): Promise<Refusal | null> {
    const characters = [...password.normalize("NFKC")].length;
    if (characters < passwordLength.min) {
      return {
        reason: "too_short",
        message: `Use at least ${passwordLength.min} characters: a few words in a row do.`,
      };
    }
    if (password.length > passwordLength.max) {
      return { reason: "too_long", message: `Use at most ${passwordLength.max} characters.` };
    }
    const { guesses, feedback } = await estimate(password, [...contextWords, ...personal]);
    if (guesses < leastGuesses) {
      return {
        reason: "guessable",
        message: `This is easy to guess. ${feedback.warning ?? "Choose less common words."}`,
      };
    }
    if (breachedPasswordsUrl !== null && (await isBreached(password, breachedPasswordsUrl, fetch))) {
      return { reason: "breached", message: "This password has appeared in a data breach. Choose another." };
    }
    return null;
  },
});

/** The dictionaries take some megabytes, so they are loaded when the first password is chosen. */
const estimate = async (password: string, words: string[]) => {
  const [{ ZxcvbnFactory }, { dictionary, adjacencyGraphs }] = await Promise.all([
    import("@zxcvbn-ts/core"),
    import("@zxcvbn-ts/language-common"),
  ]);
  return new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs, maxLength: 128 }).check(password, words);
};

const isBreached = async (password: string, url: string, fetch: typeof globalThis.fetch): Promise<boolean> => {
  const digest = createHash("sha1").update(password).digest("hex").toUpperCase();
  try {
    const answer = await fetch(new URL(digest.slice(0, 5), url), {
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
