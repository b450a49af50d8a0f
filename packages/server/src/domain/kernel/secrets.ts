// Owns everything derived from `SECRET`: one key for each purpose, so that none can stand in for another, and
// encryption and MACs with them. Keys of previous secrets still decrypt and verify, so that `SECRET` can be changed
// without anyone noticing.

import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from "node:crypto";
import { CompactEncrypt, compactDecrypt, errors as joseErrors } from "jose";

export type Purpose =
  | "signing-keys"
  | "refresh-tokens"
  | "devices"
  | "throttle"
  | "oauth-records"
  | "oauth-refresh"
  | "oauth-grants"
  | "oauth-cookies"
  | "dpop-nonces"
  | "login-transactions"
  | "link-tickets"
  | "id-tokens"
  | "mails"
  | "mail-recipients"
  | "proofs"
  | "totp-secrets"
  | "factor-enrolments"
  | "passkey-challenges"
  | "sign-in-challenges"
  | "export-cursors"
  | "challenges"
  | "doctor";

export type Secrets = ReturnType<typeof createSecrets>;

export const createSecrets = (current: string, previous: readonly string[] = []) => {
  const derived = new Map<Purpose, readonly [KeyObject, ...KeyObject[]]>();

  /**
   * 256-bit keys (RFC 5869): the first one encrypts and signs, all of them decrypt and verify. Key objects, because
   * Node takes 18 µs to start an HMAC with bytes and 3 µs with a key object.
   */
  const keysFor = (purpose: Purpose): readonly [KeyObject, ...KeyObject[]] => {
    const known = derived.get(purpose);
    if (known) return known;
    const derive = (secret: string) =>
      createSecretKey(Buffer.from(hkdfSync("sha256", secret, "", `lockstep:${purpose}`, 32)));
    const keys: [KeyObject, ...KeyObject[]] = [derive(current), ...previous.map(derive)];
    derived.set(purpose, keys);
    return keys;
  };

  const mac = (key: KeyObject, text: string) => createHmac("sha256", key).update(text).digest("base64url");

  return {
    keysFor,

    /** `plaintext` as a JWE (RFC 7516) that only this server, and others with the same secret, can read. */
    encrypt: (purpose: Purpose, plaintext: string): Promise<string> =>
      new CompactEncrypt(new TextEncoder().encode(plaintext))
        .setProtectedHeader({ alg: "dir", enc: "A256GCM" })
        .encrypt(keysFor(purpose)[0]),

    /**
     * Decrypts text of this purpose. `current`: under today's `SECRET`. `null`: neither today's nor a previous secret
     * made it.
     */
    async decrypt(purpose: Purpose, jwe: string): Promise<{ plaintext: string; current: boolean } | null> {
      for (const [index, key] of keysFor(purpose).entries()) {
        try {
          const { plaintext } = await compactDecrypt(jwe, key, {
            keyManagementAlgorithms: ["dir"],
            contentEncryptionAlgorithms: ["A256GCM"],
          });
          return { plaintext: new TextDecoder().decode(plaintext), current: index === 0 };
        } catch (error) {
          // Made with a previous secret, or not by this service.
          if (!(error instanceof joseErrors.JOSEError)) throw error;
        }
      }
      return null;
    },

    /** HMAC-SHA-256, base64url: 256 bits in 43 characters. */
    mac: (purpose: Purpose, text: string): string => mac(keysFor(purpose)[0], text),

    /** The MACs of a text under this secret and the previous ones: every form in which it can be stored. */
    macs: (purpose: Purpose, text: string): string[] => keysFor(purpose).map((key) => mac(key, text)),

    /** Whether `given` is the MAC of `text` under this secret or a previous one, in constant time. */
    verifyMac: (purpose: Purpose, text: string, given: string): boolean =>
      keysFor(purpose).some((key) => {
        const expected = Buffer.from(mac(key, text));
        const actual = Buffer.from(given);
        return actual.length === expected.length && timingSafeEqual(actual, expected);
      }),
  };
};
