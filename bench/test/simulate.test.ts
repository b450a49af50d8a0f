// The page on scale says what the simulation computes, and the simulation counts the statements that calls send.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseUrl } from "@lockstep/server/database";
import { describe, expect, it } from "vitest";
import { countStatements } from "../src/costs.ts";
import { prepare } from "../src/database.ts";
import { startPostgres } from "../src/postgres.ts";
import { estimate, measured, tables, usersBefore } from "../src/simulate.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/scale.md"), "utf8");

/** Without the spaces that align columns. */
const plain = (markdown: string) => markdown.replaceAll(/ *\| */g, "|").replaceAll(/-{2,}/g, "-");

describe("docs/scale.md", () => {
  it.each(Object.entries(tables()))("has the table of %s that `npm run bench -- simulate` prints", (_, table) => {
    expect(plain(page)).toContain(plain(table));
  });
});

describe("an estimate", () => {
  it("grows with the users", () => {
    const [few, many] = [estimate(100_000), estimate(1_000_000)];
    expect(many.callsPerSecond / few.callsPerSecond).toBeCloseTo(10);
    expect(many.databaseCores / few.databaseCores).toBeCloseTo(10);
    expect(many.servers).toBeGreaterThan(few.servers);
  });

  it("needs less of the primary with replicas, tokens that are verified locally, and shards", () => {
    const { databaseCores } = estimate(1_000_000);
    for (const remedies of [{ replicas: 2 }, { localShare: 0.5 }, { shards: 4 }])
      expect(estimate(1_000_000, remedies).databaseCores).toBeLessThan(databaseCores);
  });

  it("exceeds the wall right after the last users that fit", () => {
    const users = usersBefore("one server");
    expect(estimate(users).servers).toBe(1);
    expect(estimate(users * 1.1).servers).toBe(2);
  });
});

it("counts the statements that calls send", async () => {
  const directory = mkdtempSync(join(tmpdir(), "lockstep-bench-"));
  const postgres = await startPostgres(directory);
  try {
    const url = postgres.url as DatabaseUrl;
    await prepare(url);
    const counted = Object.entries(measured).map(([operation, { statements }]) => [operation, statements]);
    expect(await countStatements(url)).toEqual(Object.fromEntries(counted));
  } finally {
    await postgres.stop();
    rmSync(directory, { recursive: true });
  }
});

/** SQL that databases with PostgreSQL's protocol often lack, as statements or as calls of Kysely. */
const avoided =
  /for (no key )?update\b|\.forUpdate|skip locked|skipLocked|deferrable|temp(orary)? table|pg_(try_)?advisory_lock/i;

it("names SQL that no statement of the engine uses", () => {
  const source = join(import.meta.dirname, "../../packages/server/src");
  const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter(
    (file) => file.endsWith(".ts") && !/\.test(-d)?\.ts$/.test(file),
  );
  expect(files.length).toBeGreaterThan(100);
  const statements = (file: string) =>
    readFileSync(join(source, file), "utf8").replaceAll(/^\s*(\/\/|\*|\/\*).*$/gm, "");
  expect(files.filter((file) => avoided.test(statements(file)))).toEqual([]);
});
