// Owns the limit on audit entries without an account, for each address. Anybody can cause such entries, and they are
// kept forever. The server's log has all of them.

import type { Source } from "./audit.ts";
import { DomainError } from "./domain-error.ts";
import { network } from "./ip-addresses.ts";
import type { Throttle } from "./throttle.ts";

/** Entries that are always recorded, and the longest wait for each one after them (`throttle.ts`). */
const perAddress = { free: 100, maxWaitSeconds: 60 * 60 };

export type AnonymousEntries = ReturnType<typeof createAnonymousEntries>;

export const createAnonymousEntries = (throttle: Pick<Throttle, "countGuess">) => ({
  /** Whether one more entry from this address is recorded. Must not be called within a transaction. */
  async mayRecord({ address }: Source): Promise<boolean> {
    try {
      await throttle.countGuess([{ name: `audit:address:${network(address ?? "")}`, limit: perAddress }]);
      return true;
    } catch (error) {
      if (error instanceof DomainError && error.code === "TOO_MANY_ATTEMPTS") return false;
      throw error;
    }
  },
});
