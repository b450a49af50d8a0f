// Owns small things that we give away and get back, which nobody else may read or change: encrypted under a key
// derived from `SECRET`, one for each purpose, and good for a while.

import { CompactEncrypt, compactDecrypt } from "jose";
import type { Now } from "./environment.ts";
import type { Purpose, Secrets } from "./secrets.ts";

export type Sealed = ReturnType<typeof createSealed>;

export const createSealed = ({ secrets, now }: { secrets: Secrets; now: Now }) => ({
  /** `value` as a JWE (RFC 7516) in the letters of a URL. */
  seal: (purpose: Purpose, value: unknown, lifetimeSeconds: number): Promise<string> =>
    new CompactEncrypt(new TextEncoder().encode(JSON.stringify({ value, expiresAt: now() + lifetimeSeconds * 1000 })))
      .setProtectedHeader({ alg: "dir", enc: "A256GCM" })
      .encrypt(secrets.keysFor(purpose)[0]),

  /** What was sealed for this purpose, of the type that its sealer put in. `null`: not ours, or its time is over. */
  async open<T>(purpose: Purpose, text: string): Promise<T | null> {
    for (const key of secrets.keysFor(purpose)) {
      try {
        const { plaintext } = await compactDecrypt(text, key, {
          keyManagementAlgorithms: ["dir"],
          contentEncryptionAlgorithms: ["A256GCM"],
        });
        const { value, expiresAt } = JSON.parse(new TextDecoder().decode(plaintext)) as { value: T; expiresAt: number };
        return now() < expiresAt ? value : null;
      } catch {
        // Of an earlier secret, perhaps; or nobody's.
      }
    }
    return null;
  },
});
