// Owns the keys that tokens are signed with: kept in the database, the private parts encrypted under a key
// derived from `SECRET`, so that neither a leak of the database nor of `SECRET` alone lets anyone sign.
//
// A key's life: published (`made`), then signing (`signsFrom`), then only verifying, when a newer one signs,
// until the last token that it signed has expired. Retiring a key ends that life at once.

import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from "jose";
import type { Db } from "../db/database.ts";
import { StartError } from "../start-error.ts";
import { type Audit, commandLine, type Source } from "./audit.ts";
import type { Now } from "./environment.ts";
import type { Secrets } from "./secrets.ts";

/** ECDSA on P-256: signs in a fiftieth of RSA's time, and every JOSE library verifies it. Never symmetric. */
export const signingAlgorithm = "ES256";

export interface SigningKey {
  readonly id: string;
  readonly ordinal: number;
  readonly algorithm: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly signsFrom: number;
  readonly publicJwk: JWK;
  readonly publicKey: CryptoKey;
  readonly privateKey: CryptoKey;
  readonly privateJwk: JWK;
}

export type Keyring = Awaited<ReturnType<typeof createKeyring>>;

export interface KeyringOptions {
  readonly db: Db;
  readonly now: Now;
  readonly secrets: Secrets;
  readonly audit: Audit;
  /** How long a token is good for at the most; a key verifies that much longer than it signs. */
  readonly tokenLifetimeSeconds: number;
}

/** How long a new key is published before it signs: longer than anybody caches the old set. */
const publishedBeforeMs = 5 * 60 * 1000;

/** Beyond a token's lifetime, for clocks that differ and servers that learn late of a newer key. */
const overlapMarginMs = 5 * 60 * 1000;

/** At what age a key is followed by the next. */
const rotationAgeMs = 90 * 24 * 60 * 60 * 1000;

/** How often, at the most, an unknown `kid` makes the ring look into the database again. */
const reloadIntervalMs = 1000;

/** @throws StartError when the stored keys were encrypted under another `SECRET`. */
export const createKeyring = async ({ db, now, secrets, audit, tokenLifetimeSeconds }: KeyringOptions) => {
  const add = async (ordinal: number, signsFrom: number, source: Source) => {
    const { id, publicJwk, privateKey } = await newKeyPair();
    const privateJwe = await secrets.encrypt("signing-keys", JSON.stringify(await exportJWK(privateKey)));
    await db.transaction().execute(async (transaction) => {
      const made = await transaction
        .insertInto("signing_keys")
        .values({
          id,
          ordinal,
          algorithm: signingAlgorithm,
          public_jwk: JSON.stringify(publicJwk),
          private_jwe: privateJwe,
          created_at: now(),
          signs_from: signsFrom,
          retired_at: null,
        })
        // Another server made it first: then its key is ours as well.
        .onConflict((conflict) => conflict.column("ordinal").doNothing())
        .returning("id")
        .executeTakeFirst();
      if (made) await audit.record({ action: "keys.rotate", userId: null, detail: { key: id }, source }, transaction);
    });
  };

  const load = async (): Promise<SigningKey[]> => {
    const rows = await db
      .selectFrom("signing_keys")
      .selectAll()
      .where("retired_at", "is", null)
      .orderBy("ordinal")
      .execute();
    return Promise.all(
      rows.map(async (row) => {
        const decrypted = await secrets.decrypt("signing-keys", row.private_jwe);
        if (!decrypted) throw underAnotherSecret();
        const { plaintext, current } = decrypted;
        const jwk = JSON.parse(plaintext) as JWK;
        if (!current) {
          await db
            .updateTable("signing_keys")
            .set({ private_jwe: await secrets.encrypt("signing-keys", plaintext) })
            .where("id", "=", row.id)
            .execute();
        }
        const publicJwk = JSON.parse(row.public_jwk) as JWK;
        return {
          id: row.id,
          ordinal: row.ordinal,
          algorithm: row.algorithm,
          createdAt: row.created_at,
          signsFrom: row.signs_from,
          publicJwk: { ...publicJwk, kid: row.id, alg: row.algorithm, use: "sig" },
          publicKey: (await importJWK(publicJwk, row.algorithm)) as CryptoKey,
          privateKey: (await importJWK(jwk, row.algorithm)) as CryptoKey,
          privateJwk: { ...jwk, kid: row.id, alg: row.algorithm, use: "sig" },
        };
      }),
    );
  };

  const nextOrdinal = async () => {
    const row = await db
      .selectFrom("signing_keys")
      .select((select) => select.fn.max("ordinal").as("last"))
      .executeTakeFirst();
    return (row?.last ?? 0) + 1;
  };

  // In this order: of servers that start at once, those that find the ring empty all want the same place in it.
  const ordinal = await nextOrdinal();
  let keys = await load();
  if (keys.length === 0) {
    await add(ordinal, now(), commandLine);
    keys = await load();
  }
  let loadedAt = now();

  const reload = async () => {
    loadedAt = now();
    keys = await load();
  };

  /** The newest that has begun to sign; before any has, the oldest. */
  const signing = (): SigningKey => {
    const key = keys.findLast(({ signsFrom }) => signsFrom <= now()) ?? keys[0];
    if (!key) throw new Error("The key ring is empty");
    return key;
  };

  /** Whether a token that this key signed can still be in its time. */
  const verifies = (key: SigningKey) => {
    const successor = keys.find(({ ordinal }) => ordinal > key.ordinal);
    return !successor || now() < successor.signsFrom + tokenLifetimeSeconds * 1000 + overlapMarginMs;
  };

  return {
    signing,

    /** The key of this id, also when another server added it a moment ago. `null`: there is none that still verifies. */
    async find(id: string): Promise<SigningKey | null> {
      const known = keys.find((key) => key.id === id);
      if (known) return verifies(known) ? known : null;
      if (Math.abs(now() - loadedAt) < reloadIntervalMs) return null;
      await reload();
      return keys.find((key) => key.id === id && verifies(key)) ?? null;
    },

    /** What others may verify with, the coming key included (RFC 7517 §5). */
    jwks: (): { keys: JWK[] } => ({ keys: keys.filter(verifies).map(({ publicJwk }) => publicJwk) }),

    /** For the authorization server, which signs by itself: the key that signs first, then those that verify. */
    privateJwks: (): JWK[] => {
      const current = signing();
      return [current, ...keys.filter((key) => key.id !== current.id && verifies(key))].map(
        ({ privateJwk }) => privateJwk,
      );
    },

    list: (): readonly (SigningKey & { state: "coming" | "signing" | "verifying" | "past" })[] =>
      keys.map((key) => {
        if (key.id === signing().id) return { ...key, state: "signing" };
        if (key.signsFrom > now()) return { ...key, state: "coming" };
        return { ...key, state: verifies(key) ? "verifying" : "past" };
      }),

    /** Makes the next key; it signs after everybody had the time to see it. Answers its id. */
    async rotate(source: Source): Promise<string> {
      await add(await nextOrdinal(), now() + publishedBeforeMs, source);
      await reload();
      return keys.at(-1)?.id ?? "";
    },

    /**
     * Withdraws a key at once: no token that it signed is good any more. When no other key signs yet, a new one
     * does from now on. `false`: there is no such key.
     */
    async retire(id: string, source: Source): Promise<boolean> {
      await reload();
      const key = keys.find((each) => each.id === id);
      if (!key) return false;
      const others = keys.some((each) => each.id !== id && each.signsFrom <= now());
      if (!others) await add(await nextOrdinal(), now(), source);
      await db.transaction().execute(async (transaction) => {
        await transaction.updateTable("signing_keys").set({ retired_at: now() }).where("id", "=", id).execute();
        await audit.record({ action: "keys.retire", userId: null, detail: { key: id }, source }, transaction);
      });
      await reload();
      return true;
    },

    /** Learns what other servers changed, and makes the next key when the newest is old enough. */
    async maintain(): Promise<void> {
      await reload();
      const newest = keys.at(-1);
      if (newest && now() - newest.createdAt > rotationAgeMs) {
        await add(newest.ordinal + 1, now() + publishedBeforeMs, commandLine);
        await reload();
      }
    },
  };
};

/** A key pair whose id can be pasted into a command: none that begins with a dash, like an option. */
const newKeyPair = async () => {
  for (;;) {
    const { publicKey, privateKey } = await generateKeyPair(signingAlgorithm, { extractable: true });
    const publicJwk = await exportJWK(publicKey);
    const id = await calculateJwkThumbprint(publicJwk);
    if (!id.startsWith("-")) return { id, publicJwk, privateKey };
  }
};

const underAnotherSecret = () =>
  new StartError(
    "The signing keys in the database were encrypted under another SECRET. Start with the one they were made with, or give it as SECRET_PREVIOUS.",
  );
