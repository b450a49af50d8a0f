// Owns the keys that tokens are signed with: kept in the database, the private parts encrypted under a key
// derived from `SECRET`, so that neither a leak of the database nor of `SECRET` alone lets anyone sign.

import { hkdfSync } from "node:crypto";
import {
  CompactEncrypt,
  type CryptoKey,
  calculateJwkThumbprint,
  compactDecrypt,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
} from "jose";
import type { Db } from "../db/database.ts";
import { StartError } from "../start-error.ts";
import type { Now } from "./environment.ts";

/** ECDSA on P-256: signs in a fiftieth of RSA's time, and every JOSE library verifies it. Never symmetric. */
export const signingAlgorithm = "ES256";

export interface SigningKey {
  readonly id: string;
  readonly ordinal: number;
  readonly algorithm: string;
  readonly createdAt: number;
  readonly publicKey: CryptoKey;
  readonly privateKey: CryptoKey;
}

export type Keyring = Awaited<ReturnType<typeof createKeyring>>;

/** How often, at the most, an unknown `kid` makes the ring look into the database again. */
const reloadIntervalMs = 1000;

/** @throws StartError when the stored keys were encrypted under another `SECRET`. */
export const createKeyring = async ({ db, now, secret }: { db: Db; now: Now; secret: string }) => {
  const wrappingKey = new Uint8Array(hkdfSync("sha256", secret, "", "lockstep:signing-keys", 32));

  const add = async (ordinal: number) => {
    const { publicKey, privateKey } = await generateKeyPair(signingAlgorithm, { extractable: true });
    const publicJwk = await exportJWK(publicKey);
    const id = await calculateJwkThumbprint(publicJwk);
    const privateJwk = new TextEncoder().encode(JSON.stringify(await exportJWK(privateKey)));
    await db
      .insertInto("signing_keys")
      .values({
        id,
        ordinal,
        algorithm: signingAlgorithm,
        public_jwk: JSON.stringify(publicJwk),
        private_jwe: await new CompactEncrypt(privateJwk)
          .setProtectedHeader({ alg: "dir", enc: "A256GCM" })
          .encrypt(wrappingKey),
        created_at: now(),
      })
      // Another server made it first: then its key is ours as well.
      .onConflict((conflict) => conflict.column("ordinal").doNothing())
      .execute();
  };

  const load = async (): Promise<SigningKey[]> => {
    const rows = await db.selectFrom("signing_keys").selectAll().orderBy("ordinal").execute();
    return Promise.all(
      rows.map(async (row) => ({
        id: row.id,
        ordinal: row.ordinal,
        algorithm: row.algorithm,
        createdAt: row.created_at,
        publicKey: (await importJWK(JSON.parse(row.public_jwk) as JWK, row.algorithm)) as CryptoKey,
        privateKey: (await importJWK(await decrypted(row.private_jwe, wrappingKey), row.algorithm)) as CryptoKey,
      })),
    );
  };

  let keys = await load();
  if (keys.length === 0) {
    await add(1);
    keys = await load();
  }
  let loadedAt = now();

  return {
    /** The key that signs now: the newest. */
    signing(): SigningKey {
      const newest = keys.at(-1);
      if (!newest) throw new Error("The key ring is empty");
      return newest;
    },

    /** The key of this id, also when another server added it a moment ago. `null`: there is none. */
    async find(id: string): Promise<SigningKey | null> {
      const known = keys.find((key) => key.id === id);
      if (known) return known;
      if (Math.abs(now() - loadedAt) < reloadIntervalMs) return null;
      loadedAt = now();
      keys = await load();
      return keys.find((key) => key.id === id) ?? null;
    },

    list: (): readonly SigningKey[] => keys,
  };
};

const decrypted = async (jwe: string, key: Uint8Array): Promise<JWK> => {
  try {
    const { plaintext } = await compactDecrypt(jwe, key);
    return JSON.parse(new TextDecoder().decode(plaintext)) as JWK;
  } catch {
    throw new StartError(
      "The signing keys in the database were encrypted under another SECRET. Start with the SECRET they were made with.",
    );
  }
};
