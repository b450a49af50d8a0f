// Owns sealed values: encrypted (`secrets.ts`) and valid for a limited time, for handing out and getting back unread
// and unchanged.

import type { Now } from "./environment.ts";
import type { Purpose, Secrets } from "./secrets.ts";

export type Sealed = ReturnType<typeof createSealed>;

export const createSealed = ({ secrets, now }: { secrets: Secrets; now: Now }) => ({
  /** `value` as a JWE (RFC 7516), URL-safe. */
  seal: (purpose: Purpose, value: unknown, lifetimeSeconds: number): Promise<string> =>
    secrets.encrypt(purpose, JSON.stringify({ value, expiresAt: now() + lifetimeSeconds * 1000 })),

  /** The value that was sealed for this purpose. `null`: it was not sealed here, or has expired. */
  async open<T>(purpose: Purpose, text: string): Promise<T | null> {
    const decrypted = await secrets.decrypt(purpose, text);
    if (!decrypted) return null;
    const { value, expiresAt } = JSON.parse(decrypted.plaintext) as { value: T; expiresAt: number };
    return now() < expiresAt ? value : null;
  },
});
