import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import * as bcrypt from "@node-rs/bcrypt";
import { expect, it } from "vitest";
import { openAdmin } from "../src/admin/testing.ts";
import { migrationNames } from "../src/db/migrate.ts";
import { engines } from "./engines.ts";

it("the lockstep commands read standard input, print their output and exit with their exit codes", async () => {
  await using admin = await openAdmin(engines[0].newDatabase);
  const lockstep = async (argv: readonly string[], stdin = "") => {
    const child = spawn(process.execPath, [join(import.meta.dirname, "admin-process.ts"), ...argv], {
      // As pnpm sets it: the user's working directory.
      env: { ...admin.env, INIT_CWD: admin.directory },
    });
    child.stdin.end(stdin);
    const [stdout, stderr, [exitCode]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "exit"),
    ]);
    return { exitCode, stdout, stderr };
  };

  expect(await lockstep(["migrate", "--json"])).toEqual({
    exitCode: 0,
    stdout: `${JSON.stringify({ applied: migrationNames })}\n`,
    stderr: "",
  });
  expect(await lockstep(["user", "create", "jane"], "wool lamp river stone\n")).toEqual({
    exitCode: 0,
    stdout: "jane is created.\n",
    stderr: "",
  });
  expect(await lockstep(["user", "show", "nobody"])).toEqual({
    exitCode: 3,
    stdout: "",
    stderr: "There is no user nobody.\n",
  });

  const passwordHash = await bcrypt.hash("an old one", { cost: 4 });
  const users = Array.from({ length: 3000 }, (_, index) => JSON.stringify({ username: `u${index}`, passwordHash }));
  await writeFile(join(admin.directory, "users.jsonl"), [...users, "nonsense"].join("\n"));
  expect(await lockstep(["user", "import", "users.jsonl"])).toEqual({
    exitCode: 4,
    stdout: "3000 imported, 0 skipped, 1 failed.\n",
    stderr: "Line 3001 failed: not JSON in UTF-8\n1 line was not imported.\n",
  });
  // More than the buffer of a pipe: nothing is lost when the process exits.
  const { stdout } = await lockstep(["user", "list", "--json"]);
  expect(stdout.trimEnd().split("\n")).toHaveLength(3001);
});
