import type { Challenge } from "@lockstep/kit";
import { solveChallenge } from "altcha-lib";
import { deriveKey } from "altcha-lib/algorithms/pbkdf2";
import { describe, expect, it } from "vitest";
import { engines } from "../../../test/engines.ts";
import { openDatabase } from "../../db/database.ts";
import { testClock } from "../../testing.ts";
import { createSecrets } from "../kernel/secrets.ts";
import { createSpentIds } from "../kernel/spent-ids.ts";
import { challengeLifetimeSeconds, createChallenges } from "./challenges.ts";

const secret = "a secret of at least 32 characters";

/** Solves it with ALTCHA's own solver, and writes the solution as its widget does. */
const solved = async (challenge: Challenge) => ({
  challenge,
  solution: await solveChallenge({ challenge, deriveKey }),
});
const written = (solution: unknown) => Buffer.from(JSON.stringify(solution)).toString("base64");

describe.each(engines)("a challenge on $engine", ({ newDatabase }) => {
  const open = async () => {
    const database = await newDatabase("migrated");
    const db = await openDatabase(database.url);
    const clock = testClock();
    const spentIds = createSpentIds({ db, now: clock.now });
    const withSecrets = (current: string, previous: readonly string[] = []) =>
      createChallenges({ now: clock.now, secrets: createSecrets(current, previous), spentIds, cost: 1 });
    return {
      db,
      clock,
      challenges: withSecrets(secret),
      withSecrets,
      async [Symbol.asyncDispose]() {
        await db.destroy();
        await database.drop();
      },
    };
  };

  it("is solved by ALTCHA's solver, and stores nothing before", async () => {
    await using opened = await open();
    const challenge = await opened.challenges.create("sign_in");
    expect(await opened.db.selectFrom("spent_ids").selectAll().execute()).toEqual([]);
    expect(await opened.challenges.redeem("sign_in", written(await solved(challenge)))).toBe(true);
  });

  it("works once, also when its solution is sent many times at once or written differently", async () => {
    await using opened = await open();
    const solution = await solved(await opened.challenges.create("sign_in"));
    const { parameters, signature } = solution.challenge;
    const reordered = {
      ...solution,
      challenge: { signature, parameters: Object.fromEntries(Object.entries(parameters).toReversed()) },
    };
    const texts = [...Array<string>(10).fill(written(solution)), written(reordered), `${written(solution)}\n`];
    const answers = await Promise.all(texts.map((text) => opened.challenges.redeem("sign_in", text)));
    expect(answers.filter(Boolean)).toHaveLength(1);
    expect(await opened.challenges.redeem("sign_in", written(reordered))).toBe(false);
  });

  it("expires after five minutes", async () => {
    await using opened = await open();
    const [early, late] = [
      written(await solved(await opened.challenges.create("recover"))),
      written(await solved(await opened.challenges.create("recover"))),
    ];
    opened.clock.advanceSeconds(challengeLifetimeSeconds - 1);
    expect(await opened.challenges.redeem("recover", early)).toBe(true);
    opened.clock.advanceSeconds(1);
    expect(await opened.challenges.redeem("recover", late)).toBe(false);
  });

  it("is for one kind of call", async () => {
    await using opened = await open();
    const solution = written(await solved(await opened.challenges.create("sign_up")));
    for (const kind of ["sign_in", "recover"] as const)
      expect(await opened.challenges.redeem(kind, solution)).toBe(false);
    expect(await opened.challenges.redeem("sign_up", solution)).toBe(true);
  });

  it("is refused when it is not solved, or changed", async () => {
    await using opened = await open();
    const { challenge, solution } = await solved(await opened.challenges.create("sign_in"));
    const { parameters } = challenge;
    const later = { ...parameters.data, until: parameters.data.until + 60_000 };
    const unsolved = await deriveKey(parameters, Buffer.from(parameters.salt, "hex"), Buffer.from("no"));
    const zeros = "0".repeat(64);
    for (const wrong of [
      { challenge, solution: { ...solution, counter: (solution?.counter ?? 0) + 1 } },
      { challenge, solution: { ...solution, derivedKey: zeros } },
      { challenge, solution: { counter: 0, derivedKey: Buffer.from(unsolved.derivedKey).toString("hex") } },
      { challenge: { ...challenge, signature: zeros }, solution },
      { challenge: { parameters }, solution },
      { challenge: { ...challenge, parameters: { ...parameters, data: later } }, solution },
      { challenge: { ...challenge, parameters: { ...parameters, keyPrefix: "" } }, solution },
      { challenge: { ...challenge, parameters: { ...parameters, cost: 1e9 } }, solution },
      { challenge: { ...challenge, parameters: { ...parameters, more: 1 } }, solution },
      { challenge },
      null,
      [],
    ])
      expect(await opened.challenges.redeem("sign_in", written(wrong)), JSON.stringify(wrong)).toBe(false);
    for (const text of ["", "%", "bm8=", "{}", "bnVsbA=="])
      expect(await opened.challenges.redeem("sign_in", text)).toBe(false);
    expect(await opened.challenges.redeem("sign_in", written({ challenge, solution }))).toBe(true);
  });

  it("of another server's secret is refused, and of a previous one accepted", async () => {
    await using opened = await open();
    const others = await opened.withSecrets("another secret of 32 characters or more").create("sign_in");
    expect(await opened.challenges.redeem("sign_in", written(await solved(others)))).toBe(false);
    const before = written(await solved(await opened.challenges.create("sign_in")));
    const changed = opened.withSecrets("the next secret, of 32 characters or more", [secret]);
    expect(await changed.redeem("sign_in", before)).toBe(true);
  });
});
