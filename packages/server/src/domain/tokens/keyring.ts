// Owns the keys that sign tokens. They are stored in the database, the private parts encrypted under a key derived from
// `SECRET`, so that neither a leak of the database nor of `SECRET` alone lets anyone sign.
//
// A key is first published, then signs (`signsFrom`), then only verifies, until the last token that it signed has
// expired. Retiring a key ends this at once. Each algorithm has its own succession of keys.

import { setTimeout as delay } from "node:timers/promises";
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from "jose";
import type { Db } from "../../db/database.ts";
import type { Schema } from "../../db/schema.ts";
import { StartError } from "../../start-error.ts";
import { type Audit, commandLine, type Source } from "../kernel/audit.ts";
import type { Now } from "../kernel/environment.ts";
import type { Secrets } from "../kernel/secrets.ts";

/** ECDSA on P-256: signs fifty times as fast as RSA, and every JOSE library verifies it. */
export const accessTokenAlgorithm = "ES256";

/** Required of every OpenID provider for ID tokens, and the default of a client (OpenID Connect Core §15.1). */
export const idTokenAlgorithm = "RS256";

export const signingAlgorithms = [accessTokenAlgorithm, idTokenAlgorithm] as const;

export type SigningAlgorithm = (typeof signingAlgorithms)[number];

/** The table for each algorithm; `migrations/0006-rsa-keys.ts` says why there are two. */
const tables = { ES256: "signing_keys", RS256: "rsa_signing_keys" } as const satisfies Record<
  SigningAlgorithm,
  keyof Schema
>;

export interface SigningKey {
  readonly id: string;
  readonly ordinal: number;
  readonly algorithm: SigningAlgorithm;
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
  /** The longest lifetime of a token: a key verifies for that much longer than it signs. */
  readonly tokenLifetimeSeconds: number;
  /** Called when keys were added or retired here. */
  readonly onChange?: () => void;
}

/** How long a new key is published before it signs: longer than clients cache the key set. */
const publishedBeforeMs = 5 * 60 * 1000;

/** In addition to a token's lifetime, for different clocks and servers that load a newer key late. */
const overlapMarginMs = 5 * 60 * 1000;

/** The age at which a key gets a successor. */
export const rotationAgeMs = 90 * 24 * 60 * 60 * 1000;

/** The shortest interval between two queries for unknown keys. */
const lookIntervalMs = 100;

/** A stored key, without its secret part. */
export interface StoredKey {
  readonly algorithm: SigningAlgorithm;
  readonly id: string;
  readonly createdAt: number;
  /** Whether the secrets decrypt it. */
  readonly readable: boolean;
}

/** The keys that are not retired, oldest first. Unlike the key ring, this adds none, and accepts keys of other secrets. */
export const readStoredKeys = async (db: Db, secrets: Secrets): Promise<readonly StoredKey[]> => {
  const rings = signingAlgorithms.map(async (algorithm) => {
    const rows = await db
      .selectFrom(tables[algorithm])
      .select(["id", "created_at", "private_jwe"])
      .where("retired_at", "is", null)
      .orderBy("ordinal")
      .execute();
    return Promise.all(
      rows.map(async ({ id, created_at: createdAt, private_jwe }) => {
        const readable = (await secrets.decrypt("signing-keys", private_jwe)) !== null;
        return { algorithm, id, createdAt, readable };
      }),
    );
  });
  return (await Promise.all(rings)).flat();
};

/** @throws StartError when the stored keys were encrypted under another `SECRET` */
export const createKeyring = async ({ db, now, secrets, audit, tokenLifetimeSeconds, onChange }: KeyringOptions) => {
  const add = async (algorithm: SigningAlgorithm, ordinal: number, signsFrom: number, source: Source) => {
    const { id, publicJwk, privateKey } = await newKeyPair(algorithm);
    const privateJwe = await secrets.encrypt("signing-keys", JSON.stringify(await exportJWK(privateKey)));
    await db.transaction().execute(async (transaction) => {
      const made = await transaction
        .insertInto(tables[algorithm])
        .values({
          id,
          ordinal,
          algorithm,
          public_jwk: JSON.stringify(publicJwk),
          private_jwe: privateJwe,
          created_at: now(),
          signs_from: signsFrom,
          retired_at: null,
        })
        // Another server added it first: use that one.
        .onConflict((conflict) => conflict.column("ordinal").doNothing())
        .returning("id")
        .executeTakeFirst();
      if (made) await audit.record({ action: "keys.rotate", userId: null, detail: { key: id }, source }, transaction);
    });
  };

  const loadRing = async (algorithm: SigningAlgorithm): Promise<SigningKey[]> => {
    const rows = await db
      .selectFrom(tables[algorithm])
      .selectAll()
      .where("retired_at", "is", null)
      .orderBy("ordinal")
      .execute();
    const known = new Map(keys.map((key) => [key.id, key]));
    return Promise.all(
      rows.map(async (row): Promise<SigningKey> => {
        const before = known.get(row.id);
        if (before) return before;
        const decrypted = await secrets.decrypt("signing-keys", row.private_jwe);
        if (!decrypted) throw underAnotherSecret();
        const { plaintext, current } = decrypted;
        const jwk = JSON.parse(plaintext) as JWK;
        if (!current) {
          await db
            .updateTable(tables[algorithm])
            .set({ private_jwe: await secrets.encrypt("signing-keys", plaintext) })
            .where("id", "=", row.id)
            .execute();
        }
        const publicJwk = JSON.parse(row.public_jwk) as JWK;
        return {
          id: row.id,
          ordinal: row.ordinal,
          algorithm,
          createdAt: row.created_at,
          signsFrom: row.signs_from,
          publicJwk: { ...publicJwk, kid: row.id, alg: algorithm, use: "sig" },
          publicKey: (await importJWK(publicJwk, algorithm)) as CryptoKey,
          privateKey: (await importJWK(jwk, algorithm)) as CryptoKey,
          privateJwk: { ...jwk, kid: row.id, alg: algorithm, use: "sig" },
        };
      }),
    );
  };

  const load = async (): Promise<SigningKey[]> => (await Promise.all(signingAlgorithms.map(loadRing))).flat();

  const nextOrdinal = async (algorithm: SigningAlgorithm) => {
    const row = await db
      .selectFrom(tables[algorithm])
      .select((select) => select.fn.max("ordinal").as("last"))
      .executeTakeFirst();
    return (row?.last ?? 0) + 1;
  };

  let keys: readonly SigningKey[] = [];
  const of = (algorithm: SigningAlgorithm) => keys.filter((key) => key.algorithm === algorithm);

  let loading: Promise<void> | null = null;
  const reload = (): Promise<void> => {
    loading ??= load()
      .then((loaded) => {
        keys = loaded;
      })
      .finally(() => {
        loading = null;
      });
    return loading;
  };

  /** Ignore a load that began before our own change. */
  const reloadAfterChange = async () => {
    await loading?.catch(() => {});
    await reload();
  };

  let nextLook: Promise<void> | null = null;
  let pause: Promise<unknown> = Promise.resolve();
  /**
   * A query for keys that begins after this call. Callers share it, and two queries are never closer than the interval,
   * so that tokens with unknown key IDs cost one small query each interval.
   */
  const look = (): Promise<void> => {
    nextLook ??= pause.then(() => {
      nextLook = null;
      const looked = reloadAfterChange();
      const rest = () => delay(lookIntervalMs, undefined, { ref: false });
      pause = looked.then(rest, rest);
      return looked;
    });
    return nextLook;
  };

  /** Adds the first key of an algorithm if there is none. */
  const ensure = async (algorithm: SigningAlgorithm): Promise<void> => {
    while (of(algorithm).length === 0) {
      // The order matters: concurrent servers that find no key compete for the same ordinal, and one of them gets it.
      const ordinal = await nextOrdinal(algorithm);
      await reloadAfterChange();
      if (of(algorithm).length > 0) return;
      await add(algorithm, ordinal, now(), commandLine);
      await reloadAfterChange();
    }
  };
  await ensure(accessTokenAlgorithm);

  const ensuring = new Map<SigningAlgorithm, Promise<void>>();
  /** One at a time: an RSA key takes a tenth of a second of CPU. */
  const ensureOnce = (algorithm: SigningAlgorithm): Promise<void> => {
    const running = ensuring.get(algorithm) ?? ensure(algorithm).finally(() => ensuring.delete(algorithm));
    ensuring.set(algorithm, running);
    return running;
  };

  /** The newest key that signs; before any does, the oldest. */
  const signing = (algorithm: SigningAlgorithm = accessTokenAlgorithm): SigningKey => {
    const ring = of(algorithm);
    const key = ring.findLast(({ signsFrom }) => signsFrom <= now()) ?? ring[0];
    if (!key) throw new Error(`The key ring has no key for ${algorithm}`);
    return key;
  };

  /** Whether a token that this key signed may not have expired yet. */
  const verifies = (key: SigningKey) => {
    const successor = of(key.algorithm).find(({ ordinal }) => ordinal > key.ordinal);
    return !successor || now() < successor.signsFrom + tokenLifetimeSeconds * 1000 + overlapMarginMs;
  };

  const rotate = async (algorithm: SigningAlgorithm, source: Source): Promise<string> => {
    if (of(algorithm).length === 0) await ensureOnce(algorithm);
    else await add(algorithm, await nextOrdinal(algorithm), now() + publishedBeforeMs, source);
    await reloadAfterChange();
    onChange?.();
    return of(algorithm).at(-1)?.id ?? "";
  };

  return {
    signing,

    /** Adds the first key of each algorithm that has none. Call it before publishing keys or signing ID tokens. */
    async ensureAll(): Promise<void> {
      for (const algorithm of signingAlgorithms) if (of(algorithm).length === 0) await ensureOnce(algorithm);
    },

    /** The algorithms that have keys. */
    algorithms: (): SigningAlgorithm[] => signingAlgorithms.filter((algorithm) => of(algorithm).length > 0),

    /**
     * The key of this ID, also if another server added it a moment ago: an unknown ID waits for a query, at most about
     * a tenth of a second. `null`: no key of this ID still verifies.
     */
    async find(id: string): Promise<SigningKey | null> {
      const key = keys.find((each) => each.id === id);
      if (key) return verifies(key) ? key : null;
      await look();
      return keys.find((each) => each.id === id && verifies(each)) ?? null;
    },

    /** Loads the keys that other servers added and retired, as `find` does for an unknown ID. */
    learn: look,

    /** The public key set, including the next key (RFC 7517 §5). */
    jwks: (): { keys: JWK[] } => ({ keys: keys.filter(verifies).map(({ publicJwk }) => publicJwk) }),

    /** The private keys for the authorization server: of each algorithm the key that signs, then those that verify. */
    privateJwks: (): JWK[] =>
      signingAlgorithms.flatMap((algorithm) => {
        const ring = of(algorithm);
        if (ring.length === 0) return [];
        const current = signing(algorithm);
        return [current, ...ring.filter((key) => key.id !== current.id && verifies(key))].map(
          ({ privateJwk }) => privateJwk,
        );
      }),

    list: (): readonly (SigningKey & { state: "coming" | "signing" | "verifying" | "past" })[] =>
      keys.map((key) => {
        if (key.id === signing(key.algorithm).id) return { ...key, state: "signing" };
        if (key.signsFrom > now()) return { ...key, state: "coming" };
        return { ...key, state: verifies(key) ? "verifying" : "past" };
      }),

    /** Adds the next key of an algorithm. It signs once clients have had the time to load it. Returns its ID. */
    rotate: (source: Source, algorithm: SigningAlgorithm = accessTokenAlgorithm): Promise<string> =>
      rotate(algorithm, source),

    /**
     * Retires a key at once: no token that it signed is valid any more. When no other key of its algorithm signs yet, a
     * new one signs immediately. Returns the key that signs in its place; `null`: there is no such key.
     */
    async retire(id: string, source: Source): Promise<SigningKey | null> {
      await reloadAfterChange();
      const key = keys.find((each) => each.id === id);
      if (!key) return null;
      const { algorithm } = key;
      const others = of(algorithm).some((each) => each.id !== id && each.signsFrom <= now());
      if (!others) await add(algorithm, await nextOrdinal(algorithm), now(), source);
      await db.transaction().execute(async (transaction) => {
        await transaction.updateTable(tables[algorithm]).set({ retired_at: now() }).where("id", "=", id).execute();
        await audit.record({ action: "keys.retire", userId: null, detail: { key: id }, source }, transaction);
      });
      await reloadAfterChange();
      onChange?.();
      return signing(algorithm);
    },

    /** Loads what other servers changed, and adds the next key of each algorithm whose newest key is old enough. */
    async maintain(): Promise<void> {
      await reload();
      for (const algorithm of signingAlgorithms) {
        const newest = of(algorithm).at(-1);
        if (newest && now() - newest.createdAt > rotationAgeMs) await rotate(algorithm, commandLine);
      }
    },
  };
};

/** A key pair whose ID does not start with a dash, so that commands do not read it as an option. */
const newKeyPair = async (algorithm: SigningAlgorithm) => {
  for (;;) {
    // RSA: 2048 bits, the minimum of RFC 7518 §3.3. Longer keys sign far slower.
    const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
    const publicJwk = await exportJWK(publicKey);
    const id = await calculateJwkThumbprint(publicJwk);
    if (!id.startsWith("-")) return { id, publicJwk, privateKey };
  }
};

const underAnotherSecret = () =>
  new StartError(
    "The signing keys in the database were encrypted under another SECRET. Start the server with that secret, or add it to SECRET_PREVIOUS.",
  );
