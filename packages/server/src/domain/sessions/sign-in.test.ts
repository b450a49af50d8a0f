import * as bcrypt from "@node-rs/bcrypt";
import { decodeJwt } from "jose";
import { describe, expect, it } from "vitest";
import { engines } from "../../../test/engines.ts";
import { john, startTestServer, testSource, testWorld, typed } from "../../testing.ts";
import { createHashingQueue } from "../accounts/hashing-queue.ts";
import { createPasswords } from "../accounts/passwords.ts";
import { createUsers } from "../accounts/users.ts";
import { createAudit } from "../kernel/audit.ts";
import { createSecrets } from "../kernel/secrets.ts";
import { createThrottle } from "../kernel/throttle.ts";
import { createDevices } from "./devices.ts";
import { createSignIn } from "./sign-in.ts";

describe.each(engines)("signing in on $engine", ({ newDatabase }) => {
  const start = async () => {
    const database = await newDatabase("migrated");
    const server = await startTestServer({ databaseUrl: database.url });
    return {
      ...server,
      async [Symbol.asyncDispose]() {
        await server.close();
        await database.drop();
      },
    };
  };

  it("[S69] refuses an unknown user, a wrong password and a disabled user alike", async () => {
    await using server = await start();
    const { signIn, users } = server.domain;
    const found = await users.findByLogin(john.username);
    const attempt = async (username: string, password: string) => {
      const { statusCode, body, headers } = await server.app.inject({
        method: "POST",
        url: "/trpc/auth.login",
        headers: { "content-type": "application/json" },
        payload: JSON.stringify({ username, password }),
      });
      return {
        statusCode,
        body: body.replaceAll(String(headers["x-request-id"]), ""),
        length: headers["content-length"],
      };
    };
    expect((await signIn.withPassword(typed("john", "secret"))).user.username).toBe("john");

    const unknown = await attempt("nobody", "secret");
    expect(unknown.statusCode).toBe(401);
    expect(JSON.parse(unknown.body)).toMatchObject({ error: { data: { code: "INVALID_CREDENTIALS" } } });
    expect(await attempt("john", "wrong")).toEqual(unknown);
    await users.setDisabled(found?.user.id ?? "", true);
    expect(await attempt("john", "secret")).toEqual(unknown);
    expect(await attempt("john", "wrong")).toEqual(unknown);
  });

  it("[S77] starts a new session each time", async () => {
    await using server = await start();
    const sessionOf = async () => {
      const { accessToken } = await server.domain.signIn.withPassword(typed("john", "secret"));
      return decodeJwt(accessToken)["sid"];
    };
    expect(await sessionOf()).not.toBe(await sessionOf());
  });

  it("[S67] starts counting again once a signed-in person confirms the password", async () => {
    await using server = await start();
    const { signIn } = server.domain;
    const { user } = await signIn.withPassword(typed("john", "secret"));
    const confirm = (password: string) =>
      signIn.confirmPassword(user, password, { action: "session.step_up", source: testSource });
    for (let round = 0; round < 3; round++) {
      for (let index = 0; index < 4; index++)
        await expect(confirm("wrong")).rejects.toMatchObject({ code: "INVALID_CREDENTIALS" });
      await expect(confirm("secret")).resolves.toBeTypeOf("string");
    }
  });

  it("[S80] refuses the next call after the account was disabled", async () => {
    await using server = await start();
    const { signIn, guard, users } = server.domain;
    const { accessToken, user } = await signIn.withPassword(typed("john", "secret"));
    await guard.authenticate({ kind: "bearer", token: accessToken });
    await users.setDisabled(user.id, true);
    await expect(guard.authenticate({ kind: "bearer", token: accessToken })).rejects.toMatchObject({
      code: "INVALID_TOKEN",
    });
  });

  it("[S69] takes the same hashing, reads and writes for an unknown user, a wrong password, a disabled user and one without a password", async () => {
    await using server = await start();
    const { db, domain, config } = server;
    const rounds: number[] = [];
    const counted = createPasswords({
      cost: 6,
      pepper: null,
      previousPeppers: [],
      queue: createHashingQueue(() => 1),
      bcrypt: {
        hash: (password, options) => {
          rounds.push(2 ** Number(options?.cost));
          return bcrypt.hash(password, options);
        },
        compare: (password, hash) => {
          rounds.push(2 ** bcrypt.parseOptions(hash).cost);
          return bcrypt.compare(password, hash);
        },
      },
    });
    const world = { db, ...testWorld(Date.now) };
    const secrets = createSecrets(config.secret);
    const queries: string[] = [];
    const watched = db.withPlugin({
      transformQuery: ({ node }) => {
        queries.push(node.kind);
        return node;
      },
      transformResult: async ({ result }) => result,
    });
    const signIn = createSignIn({
      ...domain.clock,
      ...domain,
      db,
      users: createUsers({ ...world, db: watched }),
      passwords: counted,
      throttle: createThrottle({ ...world, db: watched, secrets }),
      devices: createDevices({ ...world, secrets }),
      audit: createAudit({ ...world, db: watched }),
    });
    const people = { known: {}, disabled: { disabled: true }, passwordless: { passwordHash: null } };
    for (const [username, which] of Object.entries(people)) {
      const passwordHash = await counted.hash("secret");
      await domain.users.create({ username, email: null, fullName: username, role: "user", passwordHash, ...which });
    }
    // Counters are written in the order of their IDs, which are random.
    const costOf = async (username: string, password: string) => {
      rounds.length = 0;
      queries.length = 0;
      await expect(signIn.withPassword(typed(username, password))).rejects.toMatchObject({
        code: "INVALID_CREDENTIALS",
      });
      return { rounds: rounds.reduce((sum, each) => sum + each, 0), queries: queries.toSorted() };
    };
    await costOf("somebody before", "x");
    const unknown = await costOf("unknown", "secret");
    expect(unknown.rounds).toBe(2 ** 6);
    expect(unknown.queries).toContain("InsertQueryNode");
    expect(await costOf("known", "wrong")).toEqual(unknown);
    expect(await costOf("disabled", "secret")).toEqual(unknown);
    expect(await costOf("passwordless", "secret")).toEqual(unknown);
  });

  it("[S90] is refused before anything is written when its account or address has used its share of the hashing queue", async () => {
    await using server = await start();
    const { db, domain, config } = server;
    const world = { db, ...testWorld(Date.now) };
    const secrets = createSecrets(config.secret);
    const userId = (await domain.users.findByLogin(john.username))?.user.id;
    const queries: string[] = [];
    const watched = db.withPlugin({
      transformQuery: ({ node }) => {
        queries.push(node.kind);
        return node;
      },
      transformResult: async ({ result }) => result,
    });
    const refused = async (shareOf: (index: number) => string, count: number) => {
      const queue = createHashingQueue(() => 1);
      const signIn = createSignIn({
        ...domain.clock,
        ...domain,
        db,
        users: createUsers({ ...world, db: watched }),
        passwords: createPasswords({ cost: 4, pepper: null, previousPeppers: [], queue }),
        throttle: createThrottle({ ...world, db: watched, secrets }),
        devices: createDevices({ ...world, secrets }),
      });
      const ended = Promise.withResolvers<void>();
      const holding = Array.from({ length: count }, (_, index) => queue.run(() => ended.promise, [shareOf(index)]));
      queries.length = 0;
      await expect(signIn.withPassword(typed("john", "secret"))).rejects.toMatchObject({ code: "OVERLOADED" });
      const asked = [...queries];
      ended.resolve();
      await Promise.all(holding);
      expect((await signIn.withPassword(typed("john", "secret"))).user.username).toBe("john");
      return asked;
    };
    for (const share of [`account:user:${userId}`, "address:192.0.2.1"])
      expect(await refused(() => share, 6)).toEqual(["SelectQueryNode"]);
    // Nothing is read when no password can be hashed.
    expect(await refused((index) => `account:${index}`, 17)).toEqual([]);
  });

  it("does not count an attempt whose password was not checked because the queue was full", async () => {
    await using server = await start();
    const { db, domain } = server;
    const queue = createHashingQueue(() => 1);
    const passwords = createPasswords({ cost: 4, pepper: null, previousPeppers: [], queue });
    const signIn = createSignIn({
      ...domain.clock,
      ...domain,
      db,
      passwords: { ...passwords, refuseWhenFull() {} },
      devices: createDevices({ ...testWorld(Date.now), secrets: domain.secrets }),
    });
    const ended = Promise.withResolvers<void>();
    const holding = Array.from({ length: 17 }, () => queue.run(() => ended.promise));
    await expect(signIn.withPassword(typed("john", "secret"))).rejects.toMatchObject({ code: "OVERLOADED" });
    const counters = await db.selectFrom("throttles").select("failures").execute();
    expect(counters).toEqual([{ failures: 0 }, { failures: 0 }]);
    ended.resolve();
    await Promise.all(holding);
  });

  describe("when the account changes while the password is hashed", () => {
    const startChanging = async () => {
      const server = await start();
      const { db, domain } = server;
      const userId = (await domain.users.findByLogin(john.username))?.user.id ?? "";
      const signInDuring = (change: () => Promise<void>) => {
        let changed = false;
        const passwords: typeof domain.passwords = {
          ...domain.passwords,
          async verify(...given) {
            const verification = await domain.passwords.verify(...given);
            if (!changed) await change();
            changed = true;
            return verification;
          },
        };
        const devices = createDevices({ ...testWorld(Date.now), secrets: domain.secrets });
        return createSignIn({ ...domain, ...domain.clock, db, passwords, devices }).withPassword(
          typed(john.username, john.password),
        );
      };
      return {
        ...server,
        userId,
        signInDuring,
        async failures() {
          const rows = await db.selectFrom("throttles").select("failures").execute();
          return rows.map((row) => row.failures);
        },
        async refusals() {
          const entries = await domain.audit.list({ limit: 10 });
          return entries.filter(({ action, outcome }) => action === "sign_in" && outcome === "refused");
        },
      };
    };

    it.each([
      ["as this server would", (password: string) => bcrypt.hash(password, { cost: 4 })],
      ["to a higher cost than this server's", null],
    ])("[S66] signs in with a hash that another server has upgraded %s, and counts no failure", async (_, before) => {
      await using server = await startChanging();
      const { userId, signInDuring } = server;
      const { users, passwords } = server.domain;
      await users.replacePasswordHash(userId, await (before ?? passwords.hash)(john.password));
      const upgraded = await passwords.hash(john.password);
      const signedIn = await signInDuring(() => users.replacePasswordHash(userId, upgraded));
      expect(signedIn.user.id).toBe(userId);
      expect((await users.findByLogin(john.username))?.passwordHash).toBe(upgraded);
      expect(await server.failures()).toEqual([0]);
      expect(await server.refusals()).toEqual([]);
    });

    it("[S27] refuses the password that was replaced, and counts and records that once", async () => {
      await using server = await startChanging();
      const { users, passwords, sessions } = server.domain;
      const replaced = await passwords.hash("another password");
      const attempt = server.signInDuring(() => users.replacePasswordHash(server.userId, replaced));
      await expect(attempt).rejects.toMatchObject({ code: "INVALID_CREDENTIALS" });
      expect(await sessions.list(server.userId)).toEqual([]);
      expect(await server.failures()).toEqual([1, 1]);
      expect(await server.refusals()).toMatchObject([{ userId: server.userId }]);
    });

    it("[S80] refuses an account that was disabled, and counts and records that once", async () => {
      await using server = await startChanging();
      const { accounts, sessions } = server.domain;
      const attempt = server.signInDuring(() => accounts.disable(server.userId, testSource));
      await expect(attempt).rejects.toMatchObject({ code: "INVALID_CREDENTIALS" });
      expect(await sessions.list(server.userId)).toEqual([]);
      expect(await server.failures()).toEqual([1, 1]);
      expect(await server.refusals()).toMatchObject([{ userId: server.userId }]);
    });
  });

  it("[S88] issues a valid device token when the stored hash was upgraded", async () => {
    await using server = await start();
    const { signIn, users } = server.domain;
    const userId = (await users.findByLogin(john.username))?.user.id ?? "";
    await users.replacePasswordHash(userId, await bcrypt.hash(john.password, { cost: 4, version: "2b" }));
    const { deviceToken } = await signIn.withPassword(typed(john.username, john.password));
    const stranger = { ...typed(john.username, "wrong"), source: { ...testSource, address: "198.51.100.7" } };
    for (let index = 0; index < 6; index++) await expect(signIn.withPassword(stranger)).rejects.toThrow();
    await expect(signIn.withPassword(typed(john.username, john.password))).rejects.toMatchObject({
      code: "TOO_MANY_ATTEMPTS",
    });
    const known = { ...typed(john.username, john.password), deviceToken };
    expect((await signIn.withPassword(known)).user.id).toBe(userId);
  });
});
