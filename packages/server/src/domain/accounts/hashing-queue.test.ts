import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callsTo } from "../../../test/calls.ts";
import { startTestServer, type TestServer } from "../../testing.ts";
import { createHashingQueue } from "./hashing-queue.ts";

const waitingPerThread = 16;

/** Work that ends on demand. */
const held = () => {
  const ends: (() => void)[] = [];
  let running = 0;
  let mostAtOnce = 0;
  return {
    work: () =>
      new Promise<string>((resolve) => {
        running++;
        mostAtOnce = Math.max(mostAtOnce, running);
        ends.push(() => {
          running--;
          resolve("done");
        });
      }),
    endOne: () => ends.shift()?.(),
    started: () => running,
    mostAtOnce: () => mostAtOnce,
  };
};

describe("the hashing queue", () => {
  it.each([1, 3])("runs at most %i at once, in order of arrival", async (threads) => {
    const queue = createHashingQueue(() => threads);
    const { work, endOne, started, mostAtOnce } = held();
    const order: number[] = [];
    const all = Promise.all(
      Array.from({ length: threads * 4 }, (_, index) =>
        queue.run(async () => {
          order.push(index);
          return work();
        }),
      ),
    );
    for (let done = 0; done < threads * 4; done++) {
      await Promise.resolve();
      expect(started()).toBeLessThanOrEqual(threads);
      endOne();
      await new Promise(setImmediate);
    }
    expect(await all).toEqual(Array(threads * 4).fill("done"));
    expect(mostAtOnce()).toBe(threads);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
  });

  it.each([1, 2])("refuses at once what does not fit and never runs it, with %i running", async (threads) => {
    const queue = createHashingQueue(() => threads);
    const { work, endOne } = held();
    const accepted = Array.from({ length: threads + threads * waitingPerThread }, () => queue.run(work));
    let ran = false;
    const refused = () =>
      queue.run(async () => {
        ran = true;
      });
    expect(refused).toThrow(expect.objectContaining({ code: "OVERLOADED", details: { retryAfterSeconds: 4 } }));
    endOne();
    await accepted[0];
    const next = queue.run(work);
    expect(refused).toThrow();
    for (let ended = 0; ended < accepted.length; ended++) {
      endOne();
      await new Promise(setImmediate);
    }
    expect(await Promise.all([...accepted, next])).toHaveLength(accepted.length + 1);
    expect(ran).toBe(false);
  });

  it("[S90] limits the share of one account, and runs the first of others before its second", async () => {
    const queue = createHashingQueue(() => 1);
    const { work, endOne } = held();
    const order: string[] = [];
    const run = (name: string) =>
      queue.run(async () => {
        order.push(name);
        return work();
      }, [name]);
    const accepted = Array.from({ length: 6 }, () => run("greedy"));
    expect(() => run("greedy")).toThrow(expect.objectContaining({ code: "OVERLOADED" }));
    expect(() => queue.refuseWhenFull(["greedy"])).toThrow();
    accepted.push(run("jane"), run("john"));
    for (let ended = 0; ended < 8; ended++) {
      endOne();
      await new Promise(setImmediate);
    }
    await Promise.all(accepted);
    expect(order.slice(0, 3)).toEqual(["greedy", "jane", "john"]);
    // Finished work does not count.
    expect(() => queue.refuseWhenFull(["greedy"])).not.toThrow();
  });

  it("follows the number of threads: starts more when it grows, and none while too many run", async () => {
    let threads = 2;
    const queue = createHashingQueue(() => threads);
    const { work, endOne, started } = held();
    const afterOneEnds = async () => {
      endOne();
      await new Promise(setImmediate);
      return started();
    };
    const all = Array.from({ length: 9 }, () => queue.run(work));
    expect(started()).toBe(2);
    threads = 3;
    expect(await afterOneEnds()).toBe(3);
    threads = 1;
    expect(await afterOneEnds()).toBe(2);
    expect(await afterOneEnds()).toBe(1);
    expect(await afterOneEnds()).toBe(1);
    for (let ended = 4; ended < all.length; ended++) await afterOneEnds();
    await Promise.all(all);
  });

  it("[S90] accepts fewer, and a smaller share of one account, with fewer threads", async () => {
    let threads = 2;
    const queue = createHashingQueue(() => threads);
    const { work, endOne } = held();
    const accepted = Array.from({ length: 10 }, () => queue.run(work, ["greedy"]));
    expect(() => queue.refuseWhenFull(["greedy"])).not.toThrow();
    threads = 1;
    expect(() => queue.refuseWhenFull(["greedy"])).toThrow(expect.objectContaining({ code: "OVERLOADED" }));
    expect(() => queue.refuseWhenFull()).not.toThrow();
    accepted.push(...Array.from({ length: 8 }, () => queue.run(work)));
    expect(() => queue.refuseWhenFull()).toThrow(expect.objectContaining({ code: "OVERLOADED" }));
    threads = 2;
    expect(() => queue.refuseWhenFull()).not.toThrow();
    for (let ended = 0; ended < accepted.length; ended++) {
      endOne();
      await new Promise(setImmediate);
    }
    await Promise.all(accepted);
  });

  it("continues after failed work", async () => {
    const queue = createHashingQueue(() => 1);
    const failed = queue.run(() => Promise.reject(new Error("broken")));
    const next = queue.run(async () => "next");
    await expect(failed).rejects.toThrow("broken");
    expect(await next).toBe("next");
  });
});

describe("a server with a full hashing queue", () => {
  let server: TestServer;
  let calls: ReturnType<typeof callsTo>;
  beforeAll(async () => {
    server = await startTestServer();
    calls = callsTo(server.app);
  });
  afterAll(() => server.close());

  const login = (address: string) => calls.mutate("auth.login", { username: "john", password: "secret" }, { address });

  /** Keeps the queue full while `act` runs: finished work is replaced before anything else runs. */
  const whileFull = async <T>(act: () => Promise<T>): Promise<T> => {
    let stopped = false;
    const keepers = Array.from({ length: 1 + waitingPerThread }, async () => {
      while (!stopped) await server.domain.passwords.hash("x");
    });
    try {
      return await act();
    } finally {
      stopped = true;
      await Promise.all(keepers);
    }
  };

  it("refuses sign-ins at once with 503 and Retry-After, and does not count them as guesses", async () => {
    const answers = await whileFull(() =>
      Promise.all(Array.from({ length: 40 }, (_, index) => login(`198.51.100.${index}`))),
    );
    for (const { status, error, headers } of answers.slice(0, 5)) {
      expect(status).toBe(503);
      expect(error).toMatchObject({ code: "OVERLOADED", details: { retryAfterSeconds: 4 } });
      expect(headers["retry-after"]).toBe("4");
    }
    for (const { status } of answers) expect([429, 503]).toContain(status);
    const counters = await server.db.selectFrom("throttles").selectAll().execute();
    expect(counters.map(({ failures }) => failures)).toEqual(counters.map(() => 0));
    expect((await login("198.51.100.200")).status).toBe(200);
  });

  it("[S89] writes nothing for a sign-in that the queue or the limit on guessing refuses", async () => {
    const guess = () =>
      calls.mutate("auth.login", { username: "eve", password: "a guess" }, { address: "198.51.100.150" });
    let answer = await guess();
    while (answer.code === "INVALID_CREDENTIALS") answer = await guess();
    expect(answer.code).toBe("TOO_MANY_ATTEMPTS");
    // SQLite's count of all rows inserted, updated or deleted since the database was opened.
    const writes = async () => (await sql`SELECT total_changes()`.execute(server.db)).rows;
    // The mails of earlier sign-ins are sent.
    await server.mails();
    const before = await writes();
    expect((await guess()).code).toBe("TOO_MANY_ATTEMPTS");
    expect((await whileFull(() => login("198.51.100.151"))).code).toBe("OVERLOADED");
    expect(await writes()).toEqual(before);
  });

  it("[S90] signs others in while one account signs in twenty times at once", async () => {
    const { users, passwords } = server.domain;
    const passwordHash = await passwords.hash("secret");
    for (const username of ["ann", "ben", "cem", "dee"])
      await users.create({ username, email: null, fullName: username, role: "user", passwordHash });
    const as = (username: string, address: string) =>
      calls.mutate("auth.login", { username, password: "secret" }, { address });
    const greedy = Array.from({ length: 20 }, (_, index) => as("ann", `203.0.113.${index}`));
    const others = ["ben", "cem", "dee"].map((username) => as(username, "198.51.100.77"));
    for (const { code } of await Promise.all(others)) expect(code).toBe("OK");
    for (const { code } of await Promise.all(greedy)) expect(code).toBeOneOf(["OK", "OVERLOADED", "TOO_MANY_ATTEMPTS"]);
  });

  it("refuses known and unknown users alike [S69]", async () => {
    const [known, unknown] = await whileFull(async () => [
      await login("198.51.100.1"),
      await calls.mutate("auth.login", { username: "nobody", password: "x" }, { address: "198.51.100.2" }),
    ]);
    const answerOf = ({ status, error, headers }: Awaited<ReturnType<typeof login>> | undefined = known) => [
      status,
      { ...error, requestId: "" },
      headers["retry-after"],
    ];
    expect(answerOf(unknown)).toEqual(answerOf(known));
    expect(known?.code).toBe("OVERLOADED");
  });

  it("answers everything that needs no hashing: calls, refreshes, sessions", async () => {
    const { data } = await login("198.51.100.3");
    const token = data.accessToken;
    const answers = await whileFull(async () => [
      await calls.query("user.me", { token }),
      await calls.mutate("auth.refresh", { refreshToken: data.refreshToken }),
      await calls.query("session.list", { token }),
      await calls.mutate("auth.logout", undefined, { token }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  });

  it("refuses to change a password, and leaves it and the sessions unchanged", async () => {
    const [mine, other] = [await login("198.51.100.4"), await login("198.51.100.5")];
    const input = { currentPassword: "secret", newPassword: "a heron stands in the shallow river" };
    const refused = await whileFull(() => calls.mutate("user.changePassword", input, { token: mine.data.accessToken }));
    expect([refused.status, refused.code, refused.headers["retry-after"]]).toEqual([503, "OVERLOADED", "4"]);
    expect((await calls.query("user.me", { token: other.data.accessToken })).status).toBe(200);
    expect((await login("198.51.100.6")).status).toBe(200);
  });
});
