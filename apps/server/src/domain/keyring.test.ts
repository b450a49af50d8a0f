import { describe, expect, it } from "vitest";
import { engines, openTestDatabase } from "../../test/engines.ts";
import { testClock, testSource, testWorld } from "../testing.ts";
import { createAudit } from "./audit.ts";
import { createKeyring } from "./keyring.ts";
import { createSecrets } from "./secrets.ts";
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
    return {
      ...database,
      clock,
      audit,
      ring: (...secrets: string[]) =>
        createKeyring({
          ...world,
          audit,
          secrets: createSecrets(secrets[0] ?? secret, secrets.slice(1)),
          tokenLifetimeSeconds,
        }),
    };
  };

  it("makes one key at the first start and keeps it", async () => {
    await using database = await open();
    const first = await database.ring();
    const second = await database.ring();
    expect(second.signing().id).toBe(first.signing().id);
    expect(second.list()).toHaveLength(1);
  });

  it("makes one key when several servers start at once", async () => {
    await using database = await open();
    const rings = await Promise.all(Array.from({ length: 5 }, () => database.ring()));
    expect(new Set(rings.map((ring) => ring.signing().id)).size).toBe(1);
  });

  it("stores no private key that can be read without SECRET", async () => {
    await using database = await open();
    await database.ring();
    const row = await database.db.selectFrom("signing_keys").selectAll().executeTakeFirstOrThrow();
    expect(row.private_jwe.split(".")).toHaveLength(5);
    expect(JSON.parse(row.public_jwk)).not.toHaveProperty("d");
    expect(JSON.stringify(row)).not.toContain('"d":');
    await expect(database.ring(other)).rejects.toThrow("encrypted under another SECRET");
  });

  it("reads keys of an earlier SECRET, and encrypts them anew", async () => {
    await using database = await open();
    const before = (await database.ring(secret)).signing().id;
    expect((await database.ring(other, secret)).signing().id).toBe(before);
    expect((await database.ring(other)).signing().id).toBe(before);
    await expect(database.ring(secret)).rejects.toThrow("encrypted under another SECRET");
  });

  it("finds a key that another server added, and looks for unknown ones at most once a second", async () => {
    await using database = await open();
    const ring = await database.ring();
    const { id } = ring.signing();
    await database.db.updateTable("signing_keys").set({ id: "renamed" }).where("id", "=", id).execute();
    expect(await ring.find("renamed")).toBeNull();
    database.clock.advanceSeconds(1);
    expect(await ring.find("renamed")).toMatchObject({ id: "renamed" });
    expect(await ring.find("unknown")).toBeNull();
  });

  it("[S50] rotates without a single token failing: published, then signing, then verifying what is left", async () => {
    await using database = await open();
    const { clock } = database;
    // Two servers: one rotates, the other learns of it a few seconds later.
    const [first, second] = [await database.ring(), await database.ring()];
    const issuer = "http://localhost:3000";
    const tokensOf = (keyring: typeof first) => createTokens({ keyring, issuer, ...testWorld(clock.now) });
    const claims = { userId: "u", sessionId: "s", clientId: "first-party", scopes: [] };
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

  it("publishes a coming key well over a minute before it signs", async () => {
    await using database = await open();
    const ring = await database.ring();
    const coming = await ring.rotate(testSource);
    database.clock.advanceSeconds(120);
    expect(ring.signing().id).not.toBe(coming);
    expect(ring.jwks().keys.map((key) => key.kid)).toContain(coming);
    database.clock.advanceSeconds(180);
    expect(ring.signing().id).toBe(coming);
  });

  it("makes the next key by itself when the newest is old", async () => {
    await using database = await open();
    const ring = await database.ring();
    await ring.maintain();
    expect(ring.list()).toHaveLength(1);
    database.clock.advanceSeconds(91 * 24 * 3600);
    await ring.maintain();
    await ring.maintain();
    expect(ring.list()).toHaveLength(2);
  });

  it("retires a key at once, and never without another that signs", async () => {
    await using database = await open();
    const ring = await database.ring();
    const old = ring.signing().id;
    expect(await ring.retire(old, testSource)).toBe(true);
    expect(ring.signing().id).not.toBe(old);
    expect(await ring.find(old)).toBeNull();
    expect(ring.jwks().keys.map((key) => key.kid)).not.toContain(old);
    expect(await ring.retire("unknown", testSource)).toBe(false);
    expect((await database.audit.list({ limit: 10 })).map(({ action }) => action).sort()).toEqual([
      "keys.retire",
      "keys.rotate",
      "keys.rotate",
    ]);
  });
});
