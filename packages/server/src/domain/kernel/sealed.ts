// Owns small things that we give away and get back, which nobody else may read or change: encrypted (`secrets.ts`), and
// good for a while.

import type { Now } from "./environment.ts";
import type { Purpose, Secrets } from "./secrets.ts";

export type Sealed = ReturnType<typeof createSealed>;

export const createSealed = ({ secrets, now }: { secrets: Secrets; now: Now }) => ({
  /** `value` as a JWE (RFC 7516) in the letters of a URL. */
  seal: (purpose: Purpose, value: unknown, lifetimeSeconds: number): Promise<string> =>
    secrets.encrypt(purpose, JSON.stringify({ value, expiresAt: now() + lifetimeSeconds * 1000 })),

  /** What was sealed for this purpose, of the type that its sealer put in. `null`: not ours, or its time is over. */
  async open<T>(purpose: Purpose, text: string): Promise<T | null> {
    const decrypted = await secrets.decrypt(purpose, text);
    if (!decrypted) return null;
    const { value, expiresAt } = JSON.parse(decrypted.plaintext) as { value: T; expiresAt: number };
    return now() < expiresAt ? value : null;
  },
});
