// Owns the shape of identities and grants that were added recently. Apart from `sign-in.ts`, so that a sign-in page
// loads no more than it needs.

import { z } from "zod";
import { ConnectedClient } from "./clients.ts";
import { Identity } from "./identities.ts";

/**
 * The number of days for which an identity or a grant counts as recent.
 * @internal
 */
export const recentAccessDays = 30;

/** Identities and grants that were added recently, for the user to recognise, or to revoke with a new password. */
export const RecentAccess = z.object({
  identities: z.array(Identity),
  grants: z.array(ConnectedClient),
});
export type RecentAccess = z.infer<typeof RecentAccess>;
