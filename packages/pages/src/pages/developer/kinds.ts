// Owns what the kind of an app decides.

import type { ClientKind } from "@lockstep/kit";

interface Kind {
  /** Whether people are sent back to it. */
  readonly redirects: boolean;
  readonly keepsSecret: boolean;
}

export const kinds = {
  web: { redirects: true, keepsSecret: true },
  browser: { redirects: true, keepsSecret: false },
  native: { redirects: true, keepsSecret: false },
  service: { redirects: false, keepsSecret: true },
} as const satisfies Record<ClientKind, Kind>;

export const kindNames = Object.keys(kinds) as readonly ClientKind[];
