// Owns how tests declare operations of their own, with the engine's words.

import { type AnyContract, engineContract, engineErrors, type Operations, vocabulary } from "@lockstep/kit";

export const { anyone, firstParty, scoped, query, mutation, subscription } = vocabulary(engineContract);

/** A contract of these operations alone. */
export const contractOf = <T extends Operations>(operations: T) => ({
  ...engineContract,
  errors: engineErrors,
  operations,
});

/** The same, for code that works with every contract. */
export const anyContractOf = (operations: Operations): AnyContract => contractOf(operations);
