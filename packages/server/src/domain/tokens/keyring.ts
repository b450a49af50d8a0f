// Owns the keys that tokens are signed with: kept in the database, the private parts encrypted under a key
// derived from `SECRET`, so that neither a leak of the database nor of `SECRET` alone lets anyone sign.
//
// A key's life: published (`made`), then signing (`signsFrom`), then only verifying, when a newer one signs,
// until the last token that it signed has expired. Retiring a key ends that life at once. Each algorithm has a
// succession of its own.

import { setTimeout as delay } from "node:timers/promises";
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from "jose";
import type { Db } from "../../db/database.ts";
import type { Schema } from "../../db/schema.ts";
import { StartError } from "../../start-error.ts";
import { type Audit, commandLine, type Source } from "../kernel/audit.ts";
import type { Now } from "../kernel/environment.ts";
import type { Secrets } from "../kernel/secrets.ts";

/** ECDSA on P-256: signs in a fiftieth of RSA's time, and every JOSE library verifies it. Never symmetric. */
export const accessTokenAlgorithm = "ES256";

/** What every OpenID provider must support for ID tokens, and the default of a client (OpenID Connect Core §15.1). */
export const idTokenAlgorithm = "RS256";

export const signingAlgorithms = [accessTokenAlgorithm, idTokenAlgorithm] as const;

export type SigningAlgorithm = (typeof signingAlgorithms)[number];

/** Where the keys of each algorithm are kept; `migrations/0006-rsa-keys.ts` says why apart. */
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
  /** How long a token is good for at the most; a key verifies that much longer than it signs. */
  readonly tokenLifetimeSeconds: number;
}

/** How long a new key is published before it signs: longer than anybody caches the old set. */
const publishedBeforeMs = 5 * 60 * 1000;

/** Beyond a token's lifetime, for clocks that differ and servers that learn late of a newer key. */
const overlapMarginMs = 5 * 60 * 1000;

/** At what age a key is followed by the next. */
const rotationAgeMs = 90 * 24 * 60 * 60 * 1000;

/** How long the ring waits between two looks into the database for keys that it does not know. */
const lookIntervalMs = 100;

/** @throws StartError when the stored keys were encrypted under another `SECRET`. */
export const createKeyring = async ({ db, now, secrets, audit, tokenLifetimeSeconds }: KeyringOptions) => {
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
        // Another server made it first: then its key is ours as well.
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

  /** A load that began before our own change does not count. */
  const reloadAfterChange = async () => {
    await loading?.catch(() => {});
    await reload();
  };

  let nextLook: Promise<void> | null = null;
  let pause: Promise<unknown> = Promise.resolve();
  /**
   * A look into the database that begins after this call. All that ask before it begins share it, and two are never
   * closer than the interval: keys that nobody has cost one small query for each of those.
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

  /** Makes the first key of an algorithm, if there is none. */
  const ensure = async (algorithm: SigningAlgorithm): Promise<void> => {
    while (of(algorithm).length === 0) {
      // In this order: of servers that find none at once, all want the same place in the ring, and one gets it.
      const ordinal = await nextOrdinal(algorithm);
      await reloadAfterChange();
      if (of(algorithm).length > 0) return;
      await add(algorithm, ordinal, now(), commandLine);
      await reloadAfterChange();
    }
  };
  await ensure(accessTokenAlgorithm);

  const ensuring = new Map<SigningAlgorithm, Promise<void>>();
  /** One at a time: making an RSA key takes a tenth of a second of a core. */
  const ensureOnce = (algorithm: SigningAlgorithm): Promise<void> => {
    const running = ensuring.get(algorithm) ?? ensure(algorithm).finally(() => ensuring.delete(algorithm));
    ensuring.set(algorithm, running);
    return running;
  };

  /** The newest that has begun to sign; before any has, the oldest. */
  const signing = (algorithm: SigningAlgorithm = accessTokenAlgorithm): SigningKey => {
    const ring = of(algorithm);
    const key = ring.findLast(({ signsFrom }) => signsFrom <= now()) ?? ring[0];
    if (!key) throw new Error(`The key ring has no key for ${algorithm}`);
    return key;
  };

  /** Whether a token that this key signed can still be in its time. */
  const verifies = (key: SigningKey) => {
    const successor = of(key.algorithm).find(({ ordinal }) => ordinal > key.ordinal);
    return !successor || now() < successor.signsFrom + tokenLifetimeSeconds * 1000 + overlapMarginMs;
  };

  const rotate = async (algorithm: SigningAlgorithm, source: Source): Promise<string> => {
    if (of(algorithm).length === 0) await ensureOnce(algorithm);
    else await add(algorithm, await nextOrdinal(algorithm), now() + publishedBeforeMs, source);
    await reloadAfterChange();
    return of(algorithm).at(-1)?.id ?? "";
  };

  return {
    signing,

    /** Makes the first key of each algorithm that has none, for who publishes keys or signs ID tokens. */
    async ensureAll(): Promise<void> {
      for (const algorithm of signingAlgorithms) if (of(algorithm).length === 0) await ensureOnce(algorithm);
    },

    /** The algorithms that have keys. */
    algorithms: (): SigningAlgorithm[] => signingAlgorithms.filter((algorithm) => of(algorithm).length > 0),

    /**
     * The key of this id, also when another server added it a moment ago: an unknown id waits for a look into the
     * database, about a tenth of a second at the most. `null`: there is none that still verifies.
     */
    async find(id: string): Promise<SigningKey | null> {
      const key = keys.find((each) => each.id === id);
      if (key) return verifies(key) ? key : null;
      await look();
      return keys.find((each) => each.id === id && verifies(each)) ?? null;
    },

    /** Learns which keys other servers made and retired, as `find` does for an unknown id. */
    learn: look,

    /** What others may verify with, the coming key included (RFC 7517 §5). */
    jwks: (): { keys: JWK[] } => ({ keys: keys.filter(verifies).map(({ publicJwk }) => publicJwk) }),

    /** For the authorization server, which signs by itself: of each algorithm the key that signs, then those that verify. */
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

    /** Makes the next key of an algorithm; it signs after everybody had the time to see it. Answers its id. */
    rotate: (source: Source, algorithm: SigningAlgorithm = accessTokenAlgorithm): Promise<string> =>
      rotate(algorithm, source),

    /**
     * Withdraws a key at once: no token that it signed is good any more. When no other key of its algorithm signs yet,
     * a new one does from now on. Answers the key that signs in its place; `null`: there is no such key.
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
      return signing(algorithm);
    },

    /** Learns what other servers changed, and makes the next key of each algorithm whose newest is old enough. */
    async maintain(): Promise<void> {
      await reload();
      for (const algorithm of signingAlgorithms) {
        const newest = of(algorithm).at(-1);
        if (newest && now() - newest.createdAt > rotationAgeMs) await rotate(algorithm, commandLine);
      }
    },
  };
};

/** A key pair whose id can be pasted into a command: none that begins with a dash, like an option. */
const newKeyPair = async (algorithm: SigningAlgorithm) => {
  for (;;) {
    // RSA: 2048 bits, RFC 7518 §3.3's least and enough for keys that live a season; longer ones sign far slower.
    const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
    const publicJwk = await exportJWK(publicKey);
    const id = await calculateJwkThumbprint(publicJwk);
    if (!id.startsWith("-")) return { id, publicJwk, privateKey };
  }
};

const underAnotherSecret = () =>
  new StartError(
    "The signing keys in the database were encrypted under another SECRET. Start with the one they were made with, or give it as SECRET_PREVIOUS.",
  );
