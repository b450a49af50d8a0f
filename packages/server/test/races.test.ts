// Concurrent calls to two servers that share a PostgreSQL.

import { hash } from "@node-rs/bcrypt";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createDomain } from "../src/compose-domain.ts";
import { type Db, openDatabase } from "../src/db/database.ts";
import { seedJohn } from "../src/development.ts";
import { fixtureApp } from "../src/fixture-app.ts";
import { testConfig, testSource, testWorld } from "../src/testing.ts";
import { engines, type NewDatabase } from "./engines.ts";
import { spawnServer } from "./servers.ts";

let database: NewDatabase;
let servers: Awaited<ReturnType<typeof spawnServer>>[];
let db: Db;
let domain: Awaited<ReturnType<typeof createDomain>>;
let johnsId: string;
const goodPassword = "a heron stands in the shallow river";

beforeAll(async () => {
  database = await engines[1].newDatabase();
  // Concurrently, including the migrations.
  servers = await Promise.all([spawnServer(database.url), spawnServer(database.url)]);
  db = await openDatabase(database.url);
  domain = await createDomain(db, { app: fixtureApp, config: testConfig(database.url), world: testWorld(Date.now) });
  await seedJohn(domain);
  johnsId = (await domain.users.findByLogin("john"))?.user.id ?? "";
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
  await db.destroy();
  await database.drop();
});

beforeEach(async () => {
  await domain.accounts.enable(johnsId, testSource);
  await domain.users.replacePasswordHash(johnsId, await domain.passwords.hash("secret"));
  await db.deleteFrom("throttles").execute();
});

const one = () => servers[0] as (typeof servers)[number];
const other = () => servers[1] as (typeof servers)[number];
/** One call for each index, on the two servers in turn. */
const atOnce = <T>(count: number, call: (server: (typeof servers)[number], index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => call(index % 2 === 0 ? one() : other(), index)));
const login = (server = one(), password = "secret") => server.mutate("auth.login", { username: "john", password });
const signedIn = async () => (await login()).data;
const liveSessions = async () => (await domain.sessions.list(johnsId)).map(({ id }) => id);

describe("two servers on one PostgreSQL", () => {
  it("[S24] give one successor to a hundred concurrent redemptions of one refresh token, and sign nobody out", async () => {
    for (let round = 0; round < 3; round++) {
      const { refreshToken, sessionId } = await signedIn();
      const answers = await atOnce(100, (server) => server.mutate("auth.refresh", { refreshToken }));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      expect(new Set(answers.map(({ data }) => data.refreshToken)).size).toBe(1);
      const row = await db.selectFrom("sessions").selectAll().where("id", "=", sessionId).executeTakeFirstOrThrow();
      expect(row).toMatchObject({ generation: 1, ended_at: null });
      const successor = answers[0]?.data;
      expect((await other().query("user.me", successor?.accessToken)).status).toBe(200);
      expect((await other().mutate("auth.refresh", { refreshToken: successor?.refreshToken })).status).toBe(200);
    }
  });

  it("[S24] keep a client signed in that refreshes repeatedly while its older requests still arrive", async () => {
    let { refreshToken } = await signedIn();
    const all: Promise<unknown>[] = [];
    for (let round = 0; round < 20; round++) {
      const answers = Array.from({ length: 6 }, (_, index) =>
        (index % 2 === 0 ? one() : other()).mutate("auth.refresh", { refreshToken }),
      );
      all.push(...answers.map(async (answer) => expect((await answer).code).toBe("OK")));
      // Continues with the first answer, while the others are still in progress.
      refreshToken = (await Promise.race(answers)).data.refreshToken;
    }
    await Promise.all(all);
    expect((await one().mutate("auth.refresh", { refreshToken })).code).toBe("OK");
  });

  it("[S50] accept each other's access tokens, and each other's ended sessions take effect at once", async () => {
    const { accessToken } = await signedIn();
    expect((await other().query("user.me", accessToken)).status).toBe(200);
    expect((await other().mutate("auth.logout", undefined, accessToken)).status).toBe(200);
    expect((await one().query("user.me", accessToken)).code).toBe("INVALID_TOKEN");
  });

  it("[S27] [S80] leave no session behind when an account is disabled while people sign in to it", async () => {
    for (let round = 0; round < 10; round++) {
      await domain.accounts.enable(johnsId, testSource);
      const signingIn = atOnce(12, (server) => login(server));
      const [answers] = await Promise.all([signingIn, domain.accounts.disable(johnsId, testSource)]);
      for (const { code } of answers) expect(["OK", "INVALID_CREDENTIALS", "TOO_MANY_ATTEMPTS"]).toContain(code);
      expect(await liveSessions()).toEqual([]);
      const rows = await db.selectFrom("sessions").selectAll().where("ended_at", "is", null).execute();
      expect(rows).toEqual([]);
      await domain.accounts.enable(johnsId, testSource);
      for (const { data } of answers.filter(({ code }) => code === "OK")) {
        expect((await one().query("user.me", data.accessToken)).code).toBe("INVALID_TOKEN");
        expect((await other().mutate("auth.refresh", { refreshToken: data.refreshToken })).reason).toBe("disabled");
      }
      await db.deleteFrom("throttles").execute();
    }
  });

  it("[S27] leave no session that started with the old password while it was changed", async () => {
    for (let round = 0; round < 10; round++) {
      const mine = await signedIn();
      const signingIn = atOnce(12, (server) => login(server));
      const input = { currentPassword: "secret", newPassword: goodPassword };
      const changing = other().mutate("user.changePassword", input, mine.accessToken);
      const [answers, changed] = await Promise.all([signingIn, changing]);
      expect(changed.code).toBe("OK");
      expect(await liveSessions()).toEqual([mine.sessionId]);
      for (const { data } of answers.filter(({ code }) => code === "OK")) {
        expect((await one().query("user.me", data.accessToken)).code).toBe("INVALID_TOKEN");
      }
      await domain.users.replacePasswordHash(johnsId, await domain.passwords.hash("secret"));
      await db.deleteFrom("throttles").execute();
    }
  });

  it("[S70] apply one of two concurrent password changes, and refuse the other", async () => {
    for (let round = 0; round < 5; round++) {
      const owners = [await signedIn(), await signedIn()];
      const answers = await atOnce(2, (server, index) =>
        server.mutate(
          "user.changePassword",
          { currentPassword: "secret", newPassword: `${goodPassword}, as number ${index}` },
          owners[index]?.accessToken,
        ),
      );
      const winners = answers.flatMap(({ code }, index) => (code === "OK" ? index : []));
      expect(winners).toHaveLength(1);
      const winner = winners[0] ?? -1;
      expect(answers[1 - winner]?.code).toMatch(/^(INVALID_CREDENTIALS|INVALID_TOKEN)$/);
      expect(await liveSessions()).toEqual([owners[winner]?.sessionId]);
      expect((await login(one(), `${goodPassword}, as number ${winner}`)).code).toBe("OK");
      expect((await login(one(), `${goodPassword}, as number ${1 - winner}`)).code).toBe("INVALID_CREDENTIALS");
      await domain.users.replacePasswordHash(johnsId, await domain.passwords.hash("secret"));
      await domain.sessions.endAllOf(johnsId, "revoked", testSource);
    }
  });

  it("[S66] accept concurrent sign-ins while the stored password hash is upgraded", async () => {
    for (let round = 0; round < 5; round++) {
      await domain.users.replacePasswordHash(johnsId, await hash("secret", { cost: 5 }));
      const answers = await atOnce(4, (server) => login(server));
      expect(answers.map(({ code }) => code)).toEqual(Array(4).fill("OK"));
      const found = await domain.users.findByLogin("john");
      expect(found?.passwordHash).toMatch(/^hmac-sha384:/);
    }
  });

  it("[S27] keep an ended session ended during concurrent refreshes", async () => {
    for (let round = 0; round < 10; round++) {
      const mine = await signedIn();
      const victim = await signedIn();
      const input = { sessionId: victim.sessionId };
      const [answers, revoked] = await Promise.all([
        atOnce(20, (server) => server.mutate("auth.refresh", { refreshToken: victim.refreshToken })),
        other().mutate("session.revoke", input, mine.accessToken),
      ]);
      expect(revoked.code).toBe("OK");
      for (const { code, reason, data } of answers) {
        if (code !== "OK") expect([code, reason]).toEqual(["SESSION_ENDED", "revoked"]);
        else expect((await one().query("user.me", data.accessToken)).code).toBe("INVALID_TOKEN");
      }
      const tokens = new Set([victim.refreshToken, ...answers.flatMap(({ data }) => data?.refreshToken ?? [])]);
      for (const refreshToken of tokens) {
        expect(await other().mutate("auth.refresh", { refreshToken })).toMatchObject({
          status: 401,
          reason: "revoked",
        });
      }
    }
  });

  it("[S81] end a session once when two calls end it at once", async () => {
    const mine = await signedIn();
    const victim = await signedIn();
    const answers = await atOnce(10, (server) =>
      server.mutate("session.revoke", { sessionId: victim.sessionId }, mine.accessToken),
    );
    expect(answers.filter(({ code }) => code === "OK")).toHaveLength(1);
    expect(answers.filter(({ code }) => code === "SESSION_NOT_FOUND")).toHaveLength(9);
    const entries = await db.selectFrom("audit_log").selectAll().where("session_id", "=", victim.sessionId).execute();
    expect(entries.map(({ action }) => action).sort()).toEqual(["session.revoke", "sign_in"]);
  });

  it("[S81] answer both of two sessions that each end all others at once", async () => {
    for (let round = 0; round < 5; round++) {
      const sessions = await Promise.all(Array.from({ length: 6 }, () => signedIn()));
      const answers = await atOnce(2, (server, index) =>
        server.mutate("session.revokeOthers", undefined, sessions[index]?.accessToken),
      );
      for (const { code } of answers) expect(["OK", "INVALID_TOKEN"]).toContain(code);
      expect((await liveSessions()).length).toBeLessThanOrEqual(1);
    }
  });

  it("[S68] count guesses together, including concurrent ones", async () => {
    const startedAt = performance.now();
    const answers = await atOnce(100, (server, index) => login(server, `guess ${index}`));
    const passed = answers.filter(({ code }) => code === "INVALID_CREDENTIALS");
    // Five attempts are free. Then waits of 1, 2, 4 … seconds follow; on a slow machine, some of them end during the
    // test.
    const waited = Math.floor(Math.log2((performance.now() - startedAt) / 1000 + 1));
    expect(passed.length).toBeGreaterThanOrEqual(5);
    expect(passed.length).toBeLessThanOrEqual(5 + waited);
    expect(answers.filter(({ code }) => code === "TOO_MANY_ATTEMPTS")).toHaveLength(100 - passed.length);
  });
});
