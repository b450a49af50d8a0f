// Owns solving challenges: work that a server asks for before it answers, so that programs which make many attempts are slow.
// It runs beside the page, which stays usable. Loaded with the first challenge.

import type { Challenge } from "@lockstep/kit";
import { solveChallenge as solve } from "altcha-lib";
import { deriveKey } from "altcha-lib/algorithms/web/pbkdf2";

/** The challenge of the error `CHALLENGE_REQUIRED`. An interface, which compilers name in declarations. */
export interface ServerChallenge extends Challenge {}

/**
 * Solves the challenge of the error `CHALLENGE_REQUIRED`, in about a second. The result is the input `solution` of the same
 * call. `createClient` does this by itself.
 * Rejects when the platform has no `crypto.subtle`, as React Native and pages of plain http have not, and after 90 seconds.
 */
export const solveChallenge = async (challenge: ServerChallenge): Promise<string> => {
  const solution = await solve({ challenge, deriveKey });
  if (!solution) throw new Error("The challenge was not solved in time");
  return btoa(JSON.stringify({ challenge, solution }));
};
