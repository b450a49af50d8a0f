// A server that is killed many times at random moments: acknowledged writes persist, and ended sessions stay ended. A
// long run: `SUDDEN_ENDS=200 npm test -- --project server test/sudden-ends.test.ts`.

import { randomInt } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { expect, it } from "vitest";
import { createDomain } from "../src/compose-domain.ts";
import { openDatabase } from "../src/db/database.ts";
import { seedJohn } from "../src/development.ts";
import { fixtureApp } from "../src/fixture-app.ts";
import { testConfig, testWorld } from "../src/testing.ts";
import { bundleServer } from "./bundled-server.ts";
import { engines } from "./engines.ts";
import { prepareServer, spawnServer } from "./servers.ts";

const kills = Number(process.env["SUDDEN_ENDS"] || 20);
/**
 * A server is killed after a random number of answers below this, and a random delay up to this number of milliseconds.
 */
const maxAnswers = 16;
const maxDelayMs = 4;

type Server = Awaited<ReturnType<typeof spawnServer>>;

/** A client that stores the answers that it got. */
interface Client {
  sessionId: string;
  accessToken: string;
  refreshToken: string;
  /** `asked`: it requested the end of the session, and may not have got the answer. */
  over: "no" | "asked" | "yes";
}

const generationOf = (refreshToken: string) => Number(refreshToken.split(".")[1]);

const signIn = async (server: Server): Promise<Client> => {
  const { code, data } = await server.mutate("auth.login", { username: "john", password: "secret" });
  expect(code).toBe("OK");
  const { sessionId, accessToken, refreshToken = "" } = data;
  return { sessionId, accessToken, refreshToken, over: "no" };
};

const refresh = async (server: Server, client: Client) => {
  const answer = await server.mutate("auth.refresh", { refreshToken: client.refreshToken });
  if (answer.code === "OK") {
    client.accessToken = answer.data.accessToken;
    client.refreshToken = answer.data.refreshToken ?? "";
  }
  return answer;
};

const signOut = async (server: Server, client: Client) => {
  client.over = "asked";
  const { code } = await server.mutate("auth.logout", undefined, client.accessToken);
  expect(code).toBe("OK");
  client.over = "yes";
};

/** Continues until the connection breaks. A wrong answer is a failure. */
const untilTheEnd = async (answered: () => void, act: () => Promise<unknown>) => {
  for (;;) {
    try {
      await act();
      answered();
    } catch (error) {
      // `fetch` throws this when the connection breaks, before or within the answer.
      if (error instanceof TypeError || error instanceof SyntaxError) return;
      throw error;
    }
  }
};

it(`keeps every acknowledged session, and no ended one, over ${kills} kills`, async () => {
  const database = await engines[0].newDatabase();
  const db = await openDatabase(database.url);
  // Loading takes the longest, so do it in advance.
  const program = await bundleServer();
  const prepared = [prepareServer({ program }), prepareServer({ program })];
  const next = () => {
    prepared.push(prepareServer({ program }));
    return spawnServer(database.url, prepared.shift());
  };
  const first = await next();
  await seedJohn(
    await createDomain(db, { app: fixtureApp, config: testConfig(database.url), world: testWorld(Date.now) }),
  );
  let clients = [await signIn(first), await signIn(first), await signIn(first)];
  await first.kill();

  const ended: Client[] = [];
  const seen = { refreshes: 0, signIns: 0, signOuts: 0, lostAnswers: 0 };
  for (let kill = 0; kill < kills; kill++) {
    const server = await next();
    // Reset the counters: a sign-in that was cut off correctly stays counted as an attempt.
    await db.deleteFrom("throttles").execute();

    // Sessions from before the last kill are still active, or still ended.
    for (const client of clients) {
      const row = await db.selectFrom("sessions").selectAll().where("id", "=", client.sessionId).executeTakeFirst();
      if (row && row.generation > generationOf(client.refreshToken)) seen.lostAnswers++;
      const { code, reason } = await refresh(server, client);
      if (client.over === "no") expect({ kill, code }).toEqual({ kill, code: "OK" });
      if (client.over === "yes" || code !== "OK") {
        expect({ kill, code, reason }).toEqual({ kill, code: "SESSION_ENDED", reason: "signed_out" });
        ended.push(client);
      } else {
        expect((await server.query("user.me", client.accessToken)).code).toBe("OK");
      }
    }
    clients = clients.filter((client) => !ended.includes(client)).slice(-3);

    const enough = Promise.withResolvers<void>();
    let left = randomInt(maxAnswers);
    const answered = () => {
      if (left-- === 0) enough.resolve();
    };
    const working = Promise.all([
      ...clients.map((client) =>
        untilTheEnd(answered, async () => {
          expect((await refresh(server, client)).code).toBe("OK");
          seen.refreshes++;
        }),
      ),
      untilTheEnd(answered, async () => {
        clients.push(await signIn(server));
        seen.signIns++;
      }),
      untilTheEnd(answered, async () => {
        const client = await signIn(server);
        clients.push(client);
        await signOut(server, client);
        seen.signOuts++;
      }),
    ]);
    await Promise.race([enough.promise, working]);
    await delay(randomInt(maxDelayMs));
    await server.kill();
    await working;
  }

  const last = await next();
  for (const client of ended) {
    expect((await last.query("user.me", client.accessToken)).code).toBe("INVALID_TOKEN");
    expect((await refresh(last, client)).reason).toBe("signed_out");
  }
  for (const [what, count] of Object.entries(seen)) expect({ what, any: count > 0 }).toEqual({ what, any: true });
  await last.kill();
  for (const { child, exited } of prepared) {
    child.kill("SIGKILL");
    await exited;
  }
  await db.destroy();
  await database.drop();
});
