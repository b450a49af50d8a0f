// Owns the shape of identities and grants that were added recently. Apart from `sign-in.ts`, so that a sign-in page
// loads no more than it needs.

import { z } from "zod";
import { ConnectedClient } from "./clients.ts";
import { Factor } from "./factors.ts";
import { Identity } from "./identities.ts";

/**
 * The number of days for which an identity or a grant counts as recent.
 * @internal
 */
export const recentAccessDays = 30;

/** What was added recently, for the user to recognise, and to revoke together with the password or apart. */
export const RecentAccess = z.object({
  identities: z.array(Identity),
  grants: z.array(ConnectedClient),
  /** To be removed with `factor.remove`. */
  factors: z.array(Factor),
});
export type RecentAccess = z.infer<typeof RecentAccess>;
