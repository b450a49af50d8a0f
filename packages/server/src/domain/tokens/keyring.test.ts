import { SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import { engines, openTestDatabase } from "../../../test/engines.ts";
import type { Db } from "../../db/database.ts";
import { testClock, testSource, testWorld } from "../../testing.ts";
import { createAudit } from "../kernel/audit.ts";
import { createSecrets } from "../kernel/secrets.ts";
import { createKeyring } from "./keyring.ts";
import { createTokens } from "./tokens.ts";

const secret = "a secret of at least thirty-two characters";
const other = "another secret of thirty-two characters";
const tokenLifetimeSeconds = 600;

describe.each(engines)("the key ring on $engine", ({ newDatabase }) => {
  const open = async () => {
    const database = await openTestDatabase(newDatabase);
    const clock = testClock();
    const world = { db: database.db, ...testWorld(clock.now) };
    const audit = createAudit(world);
    const ringOn = (db: Db, ...secrets: string[]) =>
      createKeyring({
        ...world,
        db,
        audit,
        secrets: createSecrets(secrets[0] ?? secret, secrets.slice(1)),
        tokenLifetimeSeconds,
      });
    return { ...database, clock, audit, ringOn, ring: (...secrets: string[]) => ringOn(database.db, ...secrets) };
  };

  it("adds one key at the first start and keeps it", async () => {
    await using database = await open();
    const first = await database.ring();
    const second = await database.ring();
    expect(second.signing().id).toBe(first.signing().id);
    expect(second.list()).toHaveLength(1);
  });

  it("adds one key when several servers start at once", async () => {
    await using database = await open();
    const rings = await Promise.all(Array.from({ length: 5 }, () => database.ring()));
    expect(new Set(rings.map((ring) => ring.signing().id)).size).toBe(1);
  });

  it("stores no private key that is readable without SECRET", async () => {
    await using database = await open();
    await database.ring();
    const row = await database.db.selectFrom("signing_keys").selectAll().executeTakeFirstOrThrow();
    expect(row.private_jwe.split(".")).toHaveLength(5);
    expect(JSON.parse(row.public_jwk)).not.toHaveProperty("d");
    expect(JSON.stringify(row)).not.toContain('"d":');
    await expect(database.ring(other)).rejects.toThrow("encrypted under another SECRET");
  });

  it("reads keys of a previous SECRET, and encrypts them again", async () => {
    await using database = await open();
    const before = (await database.ring(secret)).signing().id;
    expect((await database.ring(other, secret)).signing().id).toBe(before);
    expect((await database.ring(other)).signing().id).toBe(before);
    await expect(database.ring(secret)).rejects.toThrow("encrypted under another SECRET");
  });

  it("finds a key that another server added a moment ago, for all concurrent callers", async () => {
    await using database = await open();
    const [ring, other] = [await database.ring(), await database.ring()];
    for (let round = 0; round < 3; round++) {
      await other.retire(other.signing().id, testSource);
      const { id } = other.signing();
      const found = await Promise.all(Array.from({ length: 12 }, () => ring.find(id)));
      expect(found.map((key) => key?.id)).toEqual(Array(12).fill(id));
    }
  });

  it("queries once for unknown keys of concurrent callers", async () => {
    await using database = await open();
    let looks = 0;
    const db = database.db.withPlugin({
      transformQuery({ node }) {
        looks++;
        return node;
      },
      transformResult: async ({ result }) => result,
    });
    const ring = await database.ringOn(db);
    looks = 0;
    await Promise.all(Array.from({ length: 1000 }, (_, n) => ring.find(`unknown-${n}`)));
    // One query for each algorithm.
    expect(looks).toBe(2);
  });

  it("waits a tenth of a second between two queries for unknown keys", async () => {
    await using database = await open();
    const looks: number[] = [];
    const db = database.db.withPlugin({
      transformQuery({ node }) {
        looks.push(performance.now());
        return node;
      },
      transformResult: async ({ result }) => result,
    });
    const ring = await database.ringOn(db);
    looks.length = 0;
    for (const id of ["one", "two", "three"]) await ring.find(id);
    expect(looks).toHaveLength(6);
    // A timer may fire late, but early only by its rounding.
    for (const next of [2, 4]) expect(Number(looks[next]) - Number(looks[next - 1])).toBeGreaterThan(95);
  });

  it("keeps its own change when a load ends that began before it", async () => {
    await using database = await open();
    const release = Promise.withResolvers<void>();
    let withheld = false;
    const db = database.db.withPlugin({
      transformQuery: ({ node }) => node,
      async transformResult({ result }) {
        const first = withheld;
        withheld = false;
        if (first) await release.promise;
        return result;
      },
    });
    const ring = await database.ringOn(db);
    const before = ring.signing().id;
    withheld = true;
    const loading = ring.maintain();
    await expect.poll(() => withheld).toBe(false);
    const rotating = ring.rotate(testSource);
    const count = async () => (await database.db.selectFrom("signing_keys").select("id").execute()).length;
    await expect.poll(() => count()).toBe(2);
    release.resolve();
    expect(await rotating).not.toBe(before);
    await loading;
  });

  it("adds one key of each algorithm for any number of concurrent servers and callers", async () => {
    await using database = await open();
    const rings = await Promise.all(Array.from({ length: 3 }, () => database.ring()));
    await Promise.all(rings.flatMap((ring) => [ring.ensureAll(), ring.ensureAll()]));
    const [ring] = rings;
    expect(ring?.list().map(({ algorithm }) => algorithm)).toEqual(["ES256", "RS256"]);
    for (const each of rings) expect(each.signing("RS256").id).toBe(ring?.signing("RS256").id);
    expect(ring?.jwks().keys.map(({ alg, kty }) => [alg, kty])).toEqual([
      ["ES256", "EC"],
      ["RS256", "RSA"],
    ]);
  });

  it("stores RS256 keys apart from those with which servers of the previous version sign access tokens", async () => {
    await using database = await open();
    const ring = await database.ring();
    await ring.ensureAll();
    const rows = await database.db.selectFrom("signing_keys").select(["id", "algorithm"]).execute();
    expect(rows).toEqual([{ id: ring.signing("ES256").id, algorithm: "ES256" }]);
    const row = await database.db.selectFrom("rsa_signing_keys").selectAll().executeTakeFirstOrThrow();
    expect(row.private_jwe.split(".")).toHaveLength(5);
    expect(Object.keys(JSON.parse(row.public_jwk)).sort()).toEqual(["e", "kty", "n"]);
  });

  it("[S47] [S49] does not verify access tokens with keys of ID tokens (RFC 8725 §3.12)", async () => {
    await using database = await open();
    const ring = await database.ring();
    await ring.ensureAll();
    const { id, privateKey } = ring.signing("RS256");
    const issuer = "http://localhost:3000";
    const tokens = createTokens({ keyring: ring, issuer, ...testWorld(database.clock.now) });
    const sign = (alg: string, key: typeof privateKey) =>
      new SignJWT({ client_id: "first-party", scope: "", sid: "s", sub: "u", iss: issuer, aud: issuer, jti: "j" })
        .setProtectedHeader({ alg, kid: id, typ: "at+jwt" })
        .setIssuedAt(Math.floor(database.clock.now() / 1000))
        .setExpirationTime(Math.floor(database.clock.now() / 1000) + 60)
        .sign(key);
    expect(await tokens.verify(await sign("RS256", privateKey))).toBeNull();
    expect(await tokens.verify(await sign("ES256", ring.signing().privateKey))).toBeNull();
  });

  it("[S50] rotates without a failing token: published, then signing, then only verifying", async () => {
    await using database = await open();
    const { clock } = database;
    // Two servers: one rotates, the other loads the keys a few seconds later.
    const [first, second] = [await database.ring(), await database.ring()];
    const issuer = "http://localhost:3000";
    const tokensOf = (keyring: typeof first) => createTokens({ keyring, issuer, ...testWorld(clock.now) });
    const claims = {
      userId: "u",
      sessionId: "s",
      clientId: "first-party",
      scopes: [],
      assurance: { acr: "1fa", amr: [], authenticatedAt: null },
    } as const;
    const live: { token: string; until: number }[] = [];
    const signers = new Set<string>();
    const old = first.signing().id;

    await first.rotate(testSource);
    expect(first.jwks().keys.map((key) => key.kid)).toHaveLength(2);
    expect(first.signing().id).toBe(old);
    for (let minute = 0; minute < 40; minute++) {
      for (const ring of [first, second]) {
        const { accessToken } = await tokensOf(ring).issue(claims);
        live.push({ token: accessToken, until: clock.now() + tokenLifetimeSeconds * 1000 });
        signers.add(ring.signing().id);
      }
      for (const { token } of live.filter(({ until }) => until >= clock.now())) {
        for (const ring of [first, second]) expect(await tokensOf(ring).verify(token)).not.toBeNull();
      }
      clock.advanceSeconds(60);
      await second.maintain();
      await first.maintain();
    }
    expect(signers.size).toBe(2);
    expect(first.signing().id).not.toBe(old);
    expect(first.jwks().keys.map((key) => key.kid)).toEqual([first.signing().id]);
    expect(first.list().map(({ state }) => state)).toEqual(["past", "signing"]);
  });

  it("publishes the next key more than a minute before it signs", async () => {
    await using database = await open();
    const ring = await database.ring();
    const coming = await ring.rotate(testSource);
    database.clock.advanceSeconds(120);
    expect(ring.signing().id).not.toBe(coming);
    expect(ring.jwks().keys.map((key) => key.kid)).toContain(coming);
    database.clock.advanceSeconds(180);
    expect(ring.signing().id).toBe(coming);
  });

  it("adds the next key when the newest is old", async () => {
    await using database = await open();
    const ring = await database.ring();
    await ring.maintain();
    expect(ring.list()).toHaveLength(1);
    database.clock.advanceSeconds(91 * 24 * 3600);
    await ring.maintain();
    await ring.maintain();
    expect(ring.list()).toHaveLength(2);
  });

  it("retires a key at once, after another one signs", async () => {
    await using database = await open();
    const ring = await database.ring();
    const old = ring.signing().id;
    expect(await ring.retire(old, testSource)).toMatchObject({ id: ring.signing().id });
    expect(ring.signing().id).not.toBe(old);
    expect(await ring.find(old)).toBeNull();
    expect(ring.jwks().keys.map((key) => key.kid)).not.toContain(old);
    expect(await ring.retire("unknown", testSource)).toBeNull();
    expect((await database.audit.list({ limit: 10 })).map(({ action }) => action).sort()).toEqual([
      "keys.retire",
      "keys.rotate",
      "keys.rotate",
    ]);
  });
});
