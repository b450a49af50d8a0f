// Owns the shapes of challenges: work that a program has to do before some anonymous calls are answered. The form is that of
// ALTCHA (`altcha-lib`), whose own solvers and widget understand it too.

import { z } from "zod";

/** A challenge. To solve it is to find a counter for which the derived key begins with `keyPrefix`. */
export const Challenge = z.object({
  parameters: z.object({
    algorithm: z.string(),
    nonce: z.string(),
    salt: z.string(),
    cost: z.int(),
    keyLength: z.int(),
    keyPrefix: z.string(),
    data: z.object({
      /** What it is for. */
      kind: z.enum(["sign_up", "sign_in", "recover"]),
      /** When it expires: epoch milliseconds. */
      until: z.int(),
    }),
  }),
  signature: z.string(),
});
export type Challenge = z.infer<typeof Challenge>;
