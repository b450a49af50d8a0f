import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createServer } from "./server.ts";
import { testConfig, testWorld } from "./testing.ts";

describe("at start, an operator", () => {
  /** The messages of a server's log. */
  const logOf = async ({ clockErrorMs = 0, folderMode = 0o700 }) => {
    const folder = mkdtempSync(join(tmpdir(), "lockstep-"));
    chmodSync(folder, folderMode);
    const messages: string[] = [];
    const server = await createServer({
      config: testConfig(`file:${join(folder, "test.db")}`),
      world: { ...testWorld(() => 1_800_000_000_000), databaseTime: async () => 1_800_000_000_000 - clockErrorMs },
      logger: { level: "warn", stream: { write: (line) => void messages.push(JSON.parse(line).msg) } },
    });
    await server.close();
    rmSync(folder, { recursive: true });
    return messages;
  };

  it("is told how far the machine's clock is from the database's, from two seconds on", async () => {
    expect(await logOf({ clockErrorMs: 2500 })).toEqual([expect.stringMatching(/2\.5 s ahead of the database's/)]);
    expect(await logOf({ clockErrorMs: -2500 })).toEqual([expect.stringMatching(/2\.5 s behind the database's/)]);
    expect(await logOf({ clockErrorMs: 1500 })).toEqual([]);
  });

  it("[S97] is told when others can replace the database, but not of a folder such as /tmp", async () => {
    expect(await logOf({ folderMode: 0o777 })).toEqual([expect.stringMatching(/\(mode 777\).*chmod 700/)]);
    expect(await logOf({ folderMode: 0o1777 })).toEqual([]);
  });
});
