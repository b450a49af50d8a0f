// Owns how many entries of the audit trail one address can leave without an account being concerned. Entries are kept for
// good, and anybody can cause these; the log has all of them.

import type { Source } from "./audit.ts";
import { DomainError } from "./domain-error.ts";
import { network } from "./ip-addresses.ts";
import type { Throttle } from "./throttle.ts";

/** Entries that are always recorded, and the longest wait for each one after them; as failures of `throttle.ts`. */
const perAddress = { free: 100, maxWaitSeconds: 60 * 60 };

export type AnonymousEntries = ReturnType<typeof createAnonymousEntries>;

export const createAnonymousEntries = (throttle: Pick<Throttle, "takeGuess">) => ({
  /** Whether one more entry from here is recorded. Not to be asked within a transaction. */
  async take({ address }: Source): Promise<boolean> {
    try {
      await throttle.takeGuess([{ name: `audit:address:${network(address ?? "")}`, limit: perAddress }]);
      return true;
    } catch (error) {
      if (error instanceof DomainError && error.code === "TOO_MANY_ATTEMPTS") return false;
      throw error;
    }
  },
});
