// Minutes of mixed load on one server: no call may fail, and neither live memory nor the number of open files may grow.
// Independent of speed: a slow machine makes fewer calls, and passes too.

import { once } from "node:events";
import { request } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { fill, type KnownSession, newDatabase, password, pickSessions } from "./database.ts";
import { lockstep, type Running, start } from "./processes.ts";
import { median, type Table } from "./report.ts";
import { type Answer, createCaller } from "./rpc.ts";

const clients = 8;
const users = 400;
const sessionsPerClient = 400;
const samples = 20;
/** The growth that caches and compiled code may still cause after a quarter of the time. */
const mostGrowthMegabytes = 10;

export const soak = async ({ minutes }: { minutes: number }): Promise<Table[]> => {
  const database = await newDatabase({ BCRYPT_COST: "10" });
  await fill(database, users);
  const probe = ["--expose-gc", "--import", new URL("heap-probe.ts", import.meta.url).href];
  const server = await start(lockstep, database.env, probe);
  try {
    const picked = await pickSessions(database.url, clients * sessionsPerClient);
    const filesAtRest = server.openFiles();
    const time = { over: false };
    const working = Promise.all(
      Array.from({ length: clients }, (_, n) => work(server.url, n, picked.splice(0, sessionsPerClient), time)),
    );
    // A client that fails ends the sampling. Otherwise it lasts as long as the clients.
    const failed = working.then(() => new Promise<never>(() => {}));
    const { live, resident } = await Promise.race([sample(server, minutes), failed]).finally(() => {
      time.over = true;
    });
    const calls = (await working).reduce((sum, each) => sum + each, 0);
    const early = median(live.slice(samples / 4, samples / 2));
    const late = median(live.slice(-samples / 4));
    return [
      {
        title: `Mixed load of ${minutes} min`,
        figures: [
          { name: "calls, each with the expected answer", values: [calls] },
          { name: "live memory in the second quarter, MB", values: [early / 1e6], digits: 1 },
          { name: "live memory in the last quarter, MB", values: [late / 1e6], digits: 1 },
          {
            name: "growth of live memory, MB",
            values: [(late - early) / 1e6],
            digits: 1,
            target: `≤ ${mostGrowthMegabytes}`,
          },
          { name: "resident memory, MB", values: resident.map((bytes) => bytes / 1e6) },
          {
            name: "additional open files",
            values: [(await settledFiles(server, filesAtRest)) - filesAtRest],
            target: "≤ 0",
          },
        ],
      },
    ];
  } finally {
    await server.stop();
    database.remove();
  }
};

/** A well-formed token with a forged signature. */
const forgedToken = [{ alg: "HS256", typ: "JWT" }, { sub: "somebody", sid: "none", exp: 4_102_444_800 }, "forged"]
  .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
  .join(".");

/** Samples of the server's memory and open files, spread over the time. */
const sample = async (server: Running, minutes: number) => {
  const [live, resident]: [number[], number[]] = [[], []];
  for (let n = 0; n < samples; n++) {
    await wait((minutes * 60_000) / samples);
    const answered = once(server.child, "message");
    server.child.send("live bytes");
    live.push((await answered)[0] as number);
    resident.push(server.residentBytes());
  }
  return { live, resident };
};

/** The number of open files when every connection is closed, which takes the server a moment. */
const settledFiles = async (server: Running, expected: number) => {
  for (let n = 0; n < 100 && server.openFiles() > expected; n++) await wait(100);
  return server.openFiles();
};

/** Runs one client, which uses one session after another. Returns the number of its calls. */
const work = async (url: string, client: number, picked: KnownSession[], time: { over: boolean }): Promise<number> => {
  const caller = createCaller(url);
  let calls = 0;
  const expect = async (answer: Promise<Answer>, ...statuses: number[]): Promise<Answer> => {
    calls++;
    const { status, text } = await answer;
    if (!statuses.includes(status)) throw new Error(`A call was answered with ${status}, not ${statuses}: ${text}`);
    return answer;
  };
  const from = (visit: number) => ({ "x-forwarded-for": `10.${client}.${(visit >> 8) & 255}.${visit & 255}` });
  const login = (username: string, visit: number) => caller.mutate("auth.login", { username, password }, from(visit));
  try {
    for (let visit = 0; !time.over; visit++) {
      const session = picked[visit % picked.length] as KnownSession;
      const refreshed = await expect(caller.mutate("auth.refresh", { refreshToken: session.refreshToken }), 200);
      const { accessToken, refreshToken } = JSON.parse(refreshed.text).result.data;
      session.refreshToken = refreshToken;

      for (let n = 0; n < 5; n++) await expect(caller.query("user.me", accessToken), 200);
      await expect(caller.query("user.me,session.list,grant.list?batch=1&input={}", accessToken), 200);
      await expect(caller.query("session.history", accessToken), 200);
      await expect(caller.query("user.me", forgedToken), 401);
      await expect(caller.query("no.such", accessToken), 404);
      await expect(caller.mutate("user.update", { fullName: 1 }, caller.bearer(accessToken)), 400);
      if (visit % 4 === 0) calls += await watchBriefly(url, accessToken);
      if (visit % 8 === 0) {
        // The hashing queue may be full; that is not an error.
        await expect(login(`nobody-${client}-${visit}`, visit), 401, 503);
        const signedIn = await expect(login(`user-${(visit * clients + client) % users}`, visit), 200, 503);
        if (signedIn.status === 503) continue;
        const token = JSON.parse(signedIn.text).result.data.accessToken;
        await expect(caller.mutate("auth.logout", undefined, caller.bearer(token)), 200);
      }
    }
    return calls;
  } finally {
    caller.close();
  }
};

/** Opens an event stream and disconnects after the first event. */
const watchBriefly = async (url: string, accessToken: string): Promise<number> => {
  const watching = request(`${url}/trpc/session.events`, {
    agent: false,
    headers: { authorization: `Bearer ${accessToken}`, accept: "text/event-stream" },
  }).end();
  const [response] = await once(watching, "response");
  if (response.statusCode !== 200) throw new Error(`The event stream was answered with ${response.statusCode}`);
  await once(response, "data");
  watching.destroy();
  return 1;
};
