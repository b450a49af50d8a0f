import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callsTo } from "../../../test/calls.ts";
import { engines, openTestDatabase } from "../../../test/engines.ts";
import { john, startTestServer, type TestServer, testClock } from "../../testing.ts";
import { accountKey, normalizeLogin } from "../accounts/users.ts";
import { DomainError } from "./domain-error.ts";
import { createSecrets } from "./secrets.ts";
import { type Attempt, createThrottle, waitSeconds } from "./throttle.ts";

const secret = "a secret of at least thirty-two characters";
const hour = 3600;
const stranger: Attempt = { account: "jane", address: "198.51.100.1", knownDevice: false };
/** Sends each attempt from its own network, so that only the account counts. */
const from = (index: number, attempt: Attempt = stranger): Attempt => ({
  ...attempt,
  address: `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`,
});

describe.each(engines)("the limit on guessing on $engine", ({ newDatabase }) => {
  const open = async () => {
    const database = await openTestDatabase(newDatabase);
    const clock = testClock();
    const another = () => createThrottle({ db: database.db, now: clock.now, secrets: createSecrets(secret) });
    const throttle = another();
    /** The wait in seconds; 0 when the attempt is accepted. */
    const wait = (attempt: Attempt, by = throttle) =>
      by.countAttempt(attempt).then(
        () => 0,
        (error: unknown) => {
          if (!(error instanceof DomainError) || error.code !== "TOO_MANY_ATTEMPTS") throw error;
          return (error.details as { retryAfterSeconds: number }).retryAfterSeconds;
        },
      );
    const failures = async () => {
      const rows = await database.db.selectFrom("throttles").select("failures").execute();
      return rows.map((row) => row.failures).sort((a, b) => a - b);
    };
    return { ...database, clock, throttle, another, wait, failures };
  };

  it("[S67] allows five failures, then doubles the wait after each, up to an hour", async () => {
    await using opened = await open();
    const waits = [];
    for (let index = 0; waits.length < 16; index++) {
      const seconds = await opened.wait(from(index));
      if (seconds === 0) continue;
      waits.push(seconds);
      opened.clock.advanceSeconds(seconds);
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, hour, hour, hour, hour]);
  });

  it("[S67] accepts an attempt exactly when the wait that it named is over", async () => {
    await using opened = await open();
    for (let index = 0; index < 6; index++) {
      if ((await opened.wait(from(index))) > 0) opened.clock.advanceSeconds(hour);
    }
    expect(await opened.wait(from(19))).toBe(0);
    opened.clock.advanceSeconds(hour);
    expect(await opened.wait(from(20))).toBe(0);
    expect(await opened.wait(from(21))).toBe(4);
    opened.clock.advanceSeconds(4 - 0.001);
    expect(await opened.wait(from(22))).toBe(1);
    opened.clock.advanceSeconds(0.001);
    expect(await opened.wait(from(23))).toBe(0);
  });

  it("neither counts an attempt that came too early, nor prolongs the wait for it", async () => {
    await using opened = await open();
    for (let index = 0; index < 5; index++) await opened.wait(from(index));
    for (let index = 0; index < 50; index++) expect(await opened.wait(from(index + 100))).toBe(1);
    opened.clock.advanceSeconds(1);
    expect(await opened.wait(from(6))).toBe(0);
  });

  it("[S67] allows at most a hundred guesses at an account in four days, wherever they come from", async () => {
    await using opened = await open();
    const end = opened.clock.now() + 4 * 24 * hour * 1000;
    let passed = 0;
    for (let index = 0; opened.clock.now() < end; index++) {
      const seconds = await opened.wait(from(index));
      if (seconds === 0) passed++;
      else opened.clock.advanceSeconds(seconds);
    }
    expect(passed).toBeLessThanOrEqual(115);
    expect(passed).toBeGreaterThan(90);
  });

  it("resets failures after a day without one", async () => {
    await using opened = await open();
    for (let index = 0; index < 5; index++) await opened.wait(from(index));
    opened.clock.advanceSeconds(24 * hour);
    expect(await opened.wait(from(5))).toBe(0);
    expect(await opened.wait(from(6))).toBe(2);
    opened.clock.advanceSeconds(24 * hour + 1);
    for (let index = 0; index < 5; index++) expect(await opened.wait(from(index + 10))).toBe(0);
    expect(await opened.wait(from(20))).toBe(1);
  });

  it("resets an account after a success, and refunds only that attempt to its address", async () => {
    await using opened = await open();
    for (let index = 0; index < 4; index++) await opened.wait(stranger);
    expect(await opened.failures()).toEqual([4, 4]);
    await (await opened.throttle.countAttempt(stranger)).succeeded(opened.db);
    expect(await opened.failures()).toEqual([4]);
    for (let index = 0; index < 5; index++) expect(await opened.wait(from(index))).toBe(0);
  });

  it("[S67] keeps the failures of others that were counted in the millisecond of an attempt that succeeds", async () => {
    await using opened = await open();
    const right = await opened.throttle.countAttempt(stranger);
    for (let index = 0; index < 29; index++)
      expect(await opened.wait({ ...stranger, account: `guessed-${index}` })).toBe(0);
    await right.succeeded(opened.db);
    opened.clock.advanceSeconds(1);
    expect(await opened.wait({ ...stranger, account: "guessed-29" })).toBe(0);
    expect(await opened.wait({ ...stranger, account: "guessed-30" })).toBe(1);
  });

  it("keeps the count when the transaction of a success is rolled back", async () => {
    await using opened = await open();
    const counted = await opened.throttle.countAttempt(stranger);
    const signIn = opened.db.transaction().execute(async (transaction) => {
      await counted.succeeded(transaction);
      throw new Error("the account was disabled meanwhile");
    });
    await expect(signIn).rejects.toThrow("disabled meanwhile");
    expect(await opened.failures()).toEqual([1, 1]);
  });

  it("records successes and failures of one account and one address at once without a deadlock", async () => {
    await using opened = await open();
    const attempts = Array.from({ length: 10 }, async (_, index) => {
      const counted = await opened.throttle.countAttempt(from(index % 3)).catch(() => null);
      if (index % 2 === 0) await opened.db.transaction().execute(async (within) => counted?.succeeded(within));
      else await counted?.refund();
    });
    expect(await Promise.allSettled(attempts)).toEqual(attempts.map(() => ({ status: "fulfilled", value: undefined })));
    expect(Math.max(0, ...(await opened.failures()))).toBe(0);
  });

  it("does not count a refunded attempt", async () => {
    await using opened = await open();
    for (let index = 0; index < 20; index++) {
      const counted = await opened.throttle.countAttempt(stranger);
      await counted.refund();
    }
    expect(await opened.failures()).toEqual([0, 0]);
  });

  it("[S68] allows only the free attempts of a hundred concurrent ones", async () => {
    await using opened = await open();
    const waits = await Promise.all(Array.from({ length: 100 }, (_, index) => opened.wait(from(index))));
    expect(waits.filter((seconds) => seconds === 0)).toHaveLength(5);
    expect(waits.filter((seconds) => seconds === 1)).toHaveLength(95);
  });

  it("[S68] counts together with other servers on the same database", async () => {
    await using opened = await open();
    const servers = [opened.throttle, opened.another(), opened.another()];
    const waits = await Promise.all(
      Array.from({ length: 60 }, (_, index) => opened.wait(from(index), servers[index % servers.length])),
    );
    expect(waits.filter((seconds) => seconds === 0)).toHaveLength(5);
  });

  it("[S67] also counts per address, over all accounts", async () => {
    await using opened = await open();
    const at = (address: string, index: number): Attempt => ({ account: `user${index}`, address, knownDevice: false });
    for (let index = 0; index < 30; index++) expect(await opened.wait(at("198.51.100.1", index))).toBe(0);
    expect(await opened.wait(at("198.51.100.1", 30))).toBe(1);
    expect(await opened.wait(at("::ffff:198.51.100.1", 31))).toBe(1);
    expect(await opened.wait(at("198.51.100.2", 32))).toBe(0);
    const waits = [];
    for (let index = 40; waits.length < 13; index++) {
      const seconds = await opened.wait(at("198.51.100.1", index));
      if (seconds === 0) continue;
      waits.push(seconds);
      opened.clock.advanceSeconds(seconds);
    }
    expect(waits.slice(0, 11)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900]);
    expect(waits.at(-1)).toBe(900);
  });

  it("[S67] counts the addresses of an IPv6 /64 as one", async () => {
    await using opened = await open();
    const at = (index: number, prefix: string): Attempt => ({
      account: `user${index}`,
      address: `${prefix}:${index.toString(16)}::${index}`,
      knownDevice: false,
    });
    for (let index = 0; index < 30; index++) expect(await opened.wait(at(index, "2001:db8:1:2"))).toBe(0);
    expect(await opened.wait(at(99, "2001:db8:1:2"))).toBe(1);
    expect(await opened.wait(at(99, "2001:db8:1:3"))).toBe(0);
  });

  it("does not count an attempt against an account when its address was refused", async () => {
    await using opened = await open();
    for (let index = 0; index < 30; index++) await opened.wait({ ...stranger, account: `user${index}` });
    for (let index = 0; index < 10; index++) expect(await opened.wait(stranger)).toBe(1);
    for (let index = 0; index < 5; index++) expect(await opened.wait(from(index))).toBe(0);
  });

  it("[S67] never makes a known device wait for attacks on its account or from its own network", async () => {
    await using opened = await open();
    for (let index = 0; index < 100; index++) await opened.wait(from(index));
    for (let index = 0; index < 100; index++) await opened.wait({ ...stranger, account: `user${index}` });
    expect(await opened.wait({ ...stranger, account: "user1" })).toBeGreaterThan(0);
    const owner = { ...stranger, knownDevice: true };
    for (let index = 0; index < 5; index++) expect(await opened.wait(owner)).toBe(0);
    expect(await opened.wait(owner)).toBe(1);
    opened.clock.advanceSeconds(1);
    await (await opened.throttle.countAttempt(owner)).succeeded(opened.db);
    for (let index = 0; index < 5; index++) expect(await opened.wait(owner)).toBe(0);
    // Strangers still wait: only the owner's counter was reset.
    expect(await opened.wait(from(500))).toBe(0);
    expect(await opened.wait(from(501))).toBe(2);
  });

  it("counts a name in any spelling as one, and stores none", async () => {
    await using opened = await open();
    for (const [index, login] of ["jane", "JANE", " jane ", "Jane", "ｊａｎｅ"].entries()) {
      expect(await opened.wait({ ...from(index), account: accountKey(null, normalizeLogin(login)) })).toBe(0);
    }
    expect(await opened.wait({ ...from(9), account: accountKey(null, "jane") })).toBe(1);
    expect(JSON.stringify(await opened.db.selectFrom("throttles").selectAll().execute())).not.toMatch(/jane|10\.0/i);
  });

  it("[S89] writes nothing for an attempt that is refused, by its account or by its address", async () => {
    await using opened = await open();
    for (let index = 0; index < 6; index++) await opened.wait(from(index));
    const crowded = "203.0.113.7";
    for (let index = 0; index < 31; index++)
      await opened.wait({ account: `user${index}`, address: crowded, knownDevice: false });
    const rows = () => opened.db.selectFrom("throttles").selectAll().orderBy("id").execute();
    const before = await rows();
    opened.clock.advanceSeconds(0.5);
    expect(await opened.wait(from(100))).toBe(1);
    expect(await opened.wait({ account: "somebody else", address: crowded, knownDevice: false })).toBe(1);
    expect(await rows()).toEqual(before);
  });

  it("[S89] does not prolong a wait by a refunded attempt", async () => {
    await using opened = await open();
    for (let index = 0; index < 5; index++) await opened.wait(from(index));
    opened.clock.advanceSeconds(60);
    const counted = await opened.throttle.countAttempt(from(6));
    await counted.refund();
    expect(await opened.wait(from(7))).toBe(0);
    expect(await opened.wait(from(8))).toBe(2);
  });

  it("[S88] counts all known devices of an account together, and as strangers after twenty failures in a row", async () => {
    await using opened = await open();
    const device = { ...stranger, knownDevice: true };
    const owner = async () => {
      for (;;) {
        const seconds = await opened.wait(device);
        if (seconds === 0) return;
        opened.clock.advanceSeconds(seconds);
      }
    };
    for (let failed = 0; failed < 20; failed++) await owner();
    for (let index = 0; index < 6; index++) await opened.wait(from(index));
    expect(await opened.wait(from(7))).toBe(1);
    // From here on it waits like strangers, until the right password.
    expect(await opened.wait(device)).toBe(1);
    opened.clock.advanceSeconds(1);
    await (await opened.throttle.countAttempt(device)).succeeded(opened.db);
    for (let index = 0; index < 6; index++) await opened.wait(from(index));
    expect(await opened.wait(device)).toBe(0);
  });

  it("waits no longer than it said when the clock is set back", async () => {
    await using opened = await open();
    for (let index = 0; index < 5; index++) await opened.wait(from(index));
    opened.clock.advanceSeconds(-24 * hour);
    expect(await opened.wait(from(5))).toBe(1);
  });

  it("deletes what it has forgotten in steps", async () => {
    await using opened = await open();
    for (let index = 0; index < 4; index++) await opened.wait({ ...from(index), account: `user${index}` });
    opened.clock.advanceSeconds(24 * hour + 1);
    await opened.wait(stranger);
    expect(await opened.throttle.deleteForgotten(5)).toBe(5);
    expect(await opened.throttle.deleteForgotten(5)).toBe(3);
    expect(await opened.throttle.deleteForgotten(5)).toBe(0);
    expect(await opened.failures()).toEqual([1, 1]);
  });
});

describe("the wait", () => {
  it("never exceeds its bound, whatever the count", () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(100), fc.integer({ min: 1, max: 10_000 }), (failures, free, maxWaitSeconds) => {
        const seconds = waitSeconds(failures, { free, maxWaitSeconds });
        expect(seconds).toBeLessThanOrEqual(maxWaitSeconds);
        expect(seconds === 0).toBe(failures < free);
      }),
    );
  });
});

describe("the limit on guessing over HTTP", () => {
  const clock = testClock();
  let server: TestServer;
  let calls: ReturnType<typeof callsTo>;
  beforeAll(async () => {
    server = await startTestServer({ now: clock.now });
    calls = callsTo(server.app);
  });
  afterAll(() => server.close());

  let next = 0;
  const guess = (username: string, options: { password?: string; deviceToken?: string; address?: string } = {}) => {
    const { password = "wrong", deviceToken, address = from(++next).address ?? "" } = options;
    return calls.mutate("auth.login", { username, password, ...(deviceToken && { deviceToken }) }, { address });
  };
  const forget = () => clock.advanceSeconds(2 * 24 * hour);

  it("[S67] names the wait in header and details, and does not check the password meanwhile", async () => {
    forget();
    for (let index = 0; index < 7; index++) {
      await guess("john");
      if (index >= 5) clock.advanceSeconds(1);
    }
    for (const password of ["wrong", "secret"]) {
      const refused = await guess("john", { password });
      expect(refused.status).toBe(429);
      expect(refused.error).toMatchObject({ code: "TOO_MANY_ATTEMPTS" });
      const { retryAfterSeconds = 0 } = (refused.error?.details ?? {}) as { retryAfterSeconds?: number };
      expect(refused.headers["retry-after"]).toBe(String(retryAfterSeconds));
      expect(retryAfterSeconds).toBeGreaterThan(0);
    }
    forget();
    expect((await guess("john", { password: "secret" })).status).toBe(200);
  });

  it("[S69] counts unknown and disabled accounts like any other", async () => {
    forget();
    const { users, passwords } = server.domain;
    await users.create({
      username: "gone",
      email: null,
      fullName: "Gone",
      role: "user",
      disabled: true,
      passwordHash: await passwords.hash("secret"),
    });
    const sequence = async (username: string, password: string) => {
      const answers = [];
      for (let index = 0; index < 12; index++) {
        const { status, error, headers } = await guess(username, { password });
        answers.push([status, error?.code, error?.details, headers["retry-after"]]);
        if (index % 3 === 2) clock.advanceSeconds(2);
      }
      return answers;
    };
    const known = await sequence("john", "wrong");
    expect(known.map(([, code]) => code)).toContain("TOO_MANY_ATTEMPTS");
    expect(await sequence("nobody", "wrong")).toEqual(known);
    expect(await sequence("gone", "secret")).toEqual(known);
  });

  it("[S68] allows only the free attempts of a hundred concurrent requests", async () => {
    forget();
    const answers = await Promise.all(Array.from({ length: 100 }, () => guess("john")));
    const count = (wanted: string) => answers.filter(({ code }) => code === wanted).length;
    // What does not fit into the hashing queue is not checked either.
    expect(count("INVALID_CREDENTIALS")).toBe(5);
    expect(count("TOO_MANY_ATTEMPTS")).toBe(95);
  });

  it("[S68] makes no attempt for a batch of sign-ins", async () => {
    forget();
    const paths = Array(20).fill("auth.login").join(",");
    const inputs = Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [index, { username: "john", password: index === 7 ? "secret" : "x" }]),
    );
    const { statusCode, body } = await server.app.inject({
      method: "POST",
      url: `/trpc/${paths}?batch=1`,
      headers: { "content-type": "application/json" },
      payload: JSON.stringify(inputs),
    });
    expect(statusCode).toBe(400);
    const items = JSON.parse(body) as { error?: { data: { code: string } } }[];
    expect(items.map(({ error }) => error?.data.code)).toEqual(Array(20).fill("CREDENTIALS_IN_BATCH"));
    for (let index = 0; index < 5; index++) expect((await guess("john")).code).toBe("INVALID_CREDENTIALS");
  });

  it.each(["auth.login,auth.refresh", "auth.refresh,user.changePassword", "auth.login,user.changePassword"])(
    "[S68] refuses %s in one batch",
    async (paths) => {
      forget();
      const { accessToken } = await server.domain.signIn.withPassword({
        login: john,
        deviceToken: null,
        source: { address: null, userAgent: null, requestId: null },
      });
      const response = await server.app.inject({
        method: "POST",
        url: `/trpc/${paths}?batch=1`,
        headers: { "content-type": "application/json", authorization: `Bearer ${accessToken}` },
        payload: JSON.stringify({
          0: { username: "john", password: "secret" },
          1: { currentPassword: "x", newPassword: "y" },
        }),
      });
      const items = response.json() as { error?: { data: { code: string } } }[];
      expect(items.map(({ error }) => error?.data.code)).toEqual(Array(2).fill("CREDENTIALS_IN_BATCH"));
    },
  );

  it("[S67] never makes a known device wait for an attack on its account", async () => {
    forget();
    const { data } = await guess("john", { password: "secret" });
    const deviceToken = data.deviceToken ?? "";
    for (let index = 0; index < 20; index++) await guess("john");
    expect((await guess("john", { password: "secret" })).code).toBe("TOO_MANY_ATTEMPTS");
    expect((await guess("john", { password: "secret", deviceToken })).status).toBe(200);
    expect((await guess("john@example.com", { password: "secret", deviceToken })).status).toBe(200);

    for (let index = 0; index < 5; index++) {
      expect((await guess("john", { deviceToken })).code).toBe("INVALID_CREDENTIALS");
    }
    expect((await guess("john", { deviceToken })).code).toBe("TOO_MANY_ATTEMPTS");
  });

  it("[S67] accepts a device token for its own account only, and no forged one", async () => {
    forget();
    const { users, passwords } = server.domain;
    await users.create({
      username: "mallory",
      email: null,
      fullName: "Mallory",
      role: "user",
      passwordHash: await passwords.hash("secret"),
    });
    const hers = (await guess("mallory", { password: "secret" })).data.deviceToken ?? "";
    const johns = (await guess("john", { password: "secret" })).data.deviceToken ?? "";
    const [device = "", expiry = "", mac = ""] = johns.split(".");
    for (let index = 0; index < 6; index++) await guess("john");
    const forged = [
      hers,
      `${hers.split(".")[0]}.${expiry}.${mac}`,
      `${device}.${expiry}.${hers.split(".")[2]}`,
      `${device}.zzzzzzzzz.${mac}`,
      device,
      `${device}.${expiry}.`,
      `..${mac}`,
      `${johns}.x`,
      `${johns.slice(0, -2)}xx`,
      "x.y",
    ];
    for (const deviceToken of forged) {
      const { code } = await guess("john", { password: "secret", deviceToken });
      expect({ deviceToken, code }).toEqual({ deviceToken, code: "TOO_MANY_ATTEMPTS" });
    }
    expect((await guess("john", { password: "secret", deviceToken: johns })).status).toBe(200);
  });

  it("[S88] accepts no device token that has expired, or that belongs to an earlier password", async () => {
    forget();
    const { users, passwords } = server.domain;
    const late = (await guess("john", { password: "secret" })).data.deviceToken ?? "";
    clock.advanceSeconds(91 * 24 * hour);
    const attack = async () => {
      for (let index = 0; index < 8; index++) await guess("john");
    };
    await attack();
    expect((await guess("john", { password: "secret", deviceToken: late })).code).toBe("TOO_MANY_ATTEMPTS");

    forget();
    const earlier = (await guess("john", { password: "secret" })).data.deviceToken ?? "";
    const johnsId = (await users.findByLogin("john"))?.user.id ?? "";
    await users.replacePasswordHash(johnsId, await passwords.hash("secret"));
    await attack();
    expect((await guess("john", { password: "secret", deviceToken: earlier })).code).toBe("TOO_MANY_ATTEMPTS");
  });

  it("[S89] has one counter for an account, whatever name is typed", async () => {
    forget();
    const names = ["john", "john@example.com", "JOHN", " john ", "John@Example.com"];
    for (const name of names) expect((await guess(name)).code).toBe("INVALID_CREDENTIALS");
    for (const name of names) expect((await guess(name)).code).toBe("TOO_MANY_ATTEMPTS");
  });

  it("reads the device token of a browser from its cookie", async () => {
    forget();
    const input = { username: "john", password: "secret", transport: "cookie" } as const;
    const { cookies } = await calls.mutate("auth.login", input);
    const device = { "lockstep-device": cookies["lockstep-device"]?.value ?? "" };
    for (let index = 0; index < 20; index++) await guess("john");
    expect((await calls.mutate("auth.login", input)).code).toBe("TOO_MANY_ATTEMPTS");
    expect((await calls.mutate("auth.login", input, { cookies: device })).status).toBe(200);
  });
});
