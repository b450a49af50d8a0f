import { describe, expect, it } from "vitest";
import { engines } from "../../test/engines.ts";
import { testClock, testSource, testWorld, typed } from "../testing.ts";
import { openMigratedAdmin } from "./testing.ts";

const password = "wool lamp river stone";
const start = Date.parse("2026-03-01T12:00:00Z");

describe.each(engines)("lockstep audit on $engine", ({ newDatabase }) => {
  const open = async () => {
    const clock = testClock(start);
    const admin = await openMigratedAdmin(newDatabase, testWorld(clock.now));
    // Creates the first key, so that its entry is the oldest.
    await admin.lockstep(["keys", "list"]);
    return {
      ...admin,
      clock,
      entries: async (...argv: string[]) => {
        const { exitCode, stdout, stderr } = await admin.lockstep(["audit", "--json", ...argv]);
        expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
        return stdout.split("\n").flatMap((line) => (line ? [JSON.parse(line) as Record<string, unknown>] : []));
      },
    };
  };

  it("prints who did what, when and from where, oldest first", async () => {
    await using admin = await open();
    const { domain } = await admin.open();
    admin.clock.advanceSeconds(1);
    const jane = JSON.parse((await admin.lockstep(["user", "create", "jane", "--json"], password)).stdout);
    admin.clock.advanceSeconds(1);
    await expect(domain.signIn.withPassword(typed("nobody", "a guess"))).rejects.toThrow();
    admin.clock.advanceSeconds(1);
    const { session } = await domain.signIn.withPassword(typed("jane", password));
    admin.clock.advanceSeconds(1);
    await admin.lockstep(["user", "sign-out", "jane"]);

    const [, ...entries] = await admin.entries("--since", "1d");
    const byCommand = { address: null, userAgent: "lockstep command", requestId: null };
    expect(entries).toEqual([
      {
        id: expect.any(String),
        at: start + 1000,
        action: "user.create",
        outcome: "done",
        userId: jane.id,
        sessionId: null,
        detail: {},
        ...byCommand,
      },
      expect.objectContaining({ at: start + 2000, action: "sign_in", outcome: "refused", userId: null, ...testSource }),
      expect.objectContaining({
        at: start + 3000,
        action: "sign_in",
        outcome: "done",
        userId: jane.id,
        sessionId: session.id,
      }),
      expect.objectContaining({ action: "session.revoke", sessionId: session.id, ...byCommand }),
    ]);
    for (const login of ["jane", jane.id]) {
      expect(await admin.entries("--since", "1d", "--user", login)).toEqual([entries[0], entries[2], entries[3]]);
    }

    const human = (await admin.lockstep(["audit", "--since", "1d"])).stdout.split("\n");
    expect(human[0]).toMatch(/^TIME +ACTION +OUTCOME +USER +SESSION +ADDRESS +DETAIL +USER AGENT$/);
    expect(human[2]).toMatch(/^2026-03-01T12:00:01\.000Z +user\.create +done +jane +- +- +- +lockstep command$/);
    expect(human[5]).toContain("reason=revoked");
    expect(human.join("")).not.toContain(password);
  });

  it("starts at a date, a time in any zone, or a duration ago", async () => {
    await using admin = await open();
    const since = async (when: string) => (await admin.entries("--since", when)).length;
    admin.clock.advanceSeconds(90);
    for (const when of ["2026-03-01", "2026-03-01T12:00Z", "2026-03-01T12:00:00", "2026-03-01T13:00+01:00"]) {
      expect([when, await since(when)]).toEqual([when, 1]);
    }
    for (const when of ["90s", "2m", "1h", "1d", "999999d"]) expect([when, await since(when)]).toEqual([when, 1]);
    for (const when of ["2026-03-02", "2026-03-01T12:00:01Z", "2026-03-01T12:30+00:00", "89s", "1m"]) {
      expect([when, await since(when)]).toEqual([when, 0]);
    }
  });

  it("reads every page, also when many entries have the same time", async () => {
    await using admin = await open();
    const { domain, db } = await admin.open();
    for (let batch = 0; batch < 3; batch++) {
      const entry = { action: "sign_in", userId: null, source: testSource } as const;
      await domain.audit.recordAll(
        Array.from({ length: 700 }, (_, index) => ({ ...entry, detail: { n: batch * 700 + index } })),
        db,
      );
    }
    admin.clock.advanceSeconds(1);
    await domain.audit.record({ action: "sign_out", userId: null, source: testSource });
    const entries = await admin.entries("--since", "2s");
    const seen = entries.flatMap(({ detail }) => (detail as { n?: number }).n ?? []);
    expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 2100 }, (_, index) => index));
    expect(entries.at(-1)).toMatchObject({ action: "sign_out" });
    expect((await admin.lockstep(["audit", "--since", "2s"])).stdout.trimEnd().split("\n")).toHaveLength(2103);
  });

  it("makes control characters visible", async () => {
    await using admin = await open();
    const { domain } = await admin.open();
    const source = { ...testSource, userAgent: "\u001b[2Jevil" };
    await domain.audit.record({ action: "sign_in", userId: null, source });
    expect((await admin.lockstep(["audit", "--since", "1h"])).stdout).toContain("\\u{1b}[2Jevil");
  });

  it("prints only the header when there are no entries", async () => {
    await using admin = await open();
    expect(await admin.entries("--since", "2027-01-01")).toEqual([]);
    expect((await admin.lockstep(["audit", "--since", "2027-01-01"])).stdout).toMatch(/^TIME [^\n]*\n$/);
  });

  it("refuses an invalid time as wrong usage, and an unknown user with 3", async () => {
    await using admin = await open();
    for (const argv of [[], ["--since"], ...["soon", "2026-02-31", "7", "-1d", "1w", ""].map((t) => ["--since", t])]) {
      const { exitCode, stdout, stderr } = await admin.lockstep(["audit", ...argv]);
      expect({ argv, exitCode, stdout }).toEqual({ argv, exitCode: 2, stdout: "" });
      expect(stderr).toMatch(/^error: [^\n]+ See --help\.\n$/);
    }
    expect(await admin.lockstep(["audit", "--since", "1d", "--user", "nobody"])).toEqual({
      exitCode: 3,
      stdout: "",
      stderr: "There is no user nobody.\n",
    });
  });
});
