// Owns how hard a new password is to guess, as far as a page can tell: with the server's estimator, but without its
// dictionaries, which take megabytes. The server decides. Loaded when the user begins to type a new password.

import { ZxcvbnFactory } from "@zxcvbn-ts/core";
import { adjacencyGraphs } from "@zxcvbn-ts/language-common";

/** How hard a password is to guess. */
export interface PasswordStrength {
  /** From 0 to 4. The server accepts 4. */
  readonly score: number;
  /** Zxcvbn's name for the reason. */
  readonly warning: string | null;
}

const estimator = new ZxcvbnFactory({ graphs: adjacencyGraphs, maxLength: 128 });

/** @param personal words that an attacker tries for this user: the name, the address, the name of the service */
export const passwordStrength = (password: string, personal: readonly string[]): PasswordStrength => {
  const words = personal.flatMap((text) => [text, ...text.split(/[^\p{L}\p{N}]+/u)]).filter((word) => word.length >= 3);
  const { score, feedback } = estimator.check(password, words);
  return { score, warning: feedback.warning };
};
