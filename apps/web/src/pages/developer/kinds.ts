// Owns what a developer is told about each kind of app, beside what the contract calls it.

import type { ClientKind } from "@lockstep/kit";

export interface KindWords {
  readonly hint: string;
  /** What a redirect address of it looks like; `null`: it has none. */
  readonly redirectHint: string | null;
  readonly keepsSecret: boolean;
}

export const kindWords = {
  web: {
    hint: "Proves itself with a secret that stays on the server.",
    redirectHint: "https://example.com/callback, or http://localhost:4000/callback while you work on it.",
    keepsSecret: true,
  },
  browser: {
    hint: "Everybody can read its code, so it has no secret.",
    redirectHint: "https://example.com/, or http://localhost:4000/ while you work on it.",
    keepsSecret: false,
  },
  native: {
    hint: "Is in the hands of the people who use it, so it has no secret.",
    redirectHint:
      "http://127.0.0.1/callback, at whichever port, or a scheme of your own such as com.example.app:/callback.",
    keepsSecret: false,
  },
  service: {
    hint: "Nobody signs in to it: it has access of its own.",
    redirectHint: null,
    keepsSecret: true,
  },
} as const satisfies Record<ClientKind, KindWords>;
