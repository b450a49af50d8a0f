// Owns contracts that tests declare, with the engine's scopes, roles and errors.

import { type AnyContract, engineContract, engineErrors, type Operations, vocabulary } from "@lockstep/kit";

export const { anyone, firstParty, scoped, query, mutation, subscription } = vocabulary(engineContract);

/** A contract with these operations only. */
export const contractOf = <T extends Operations>(operations: T) => ({
  ...engineContract,
  errors: engineErrors,
  operations,
});

/** The same, for code that works with every contract. */
export const anyContractOf = (operations: Operations): AnyContract => contractOf(operations);
