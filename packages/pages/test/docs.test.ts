// The web app compiles with the code of docs/pages.md in place of the files that it names.

import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";

const execute = promisify(execFile);
const repository = join(import.meta.dirname, "../../..");
const web = join(repository, "apps/web");

test("the code of docs/pages.md compiles in the web app", async () => {
  const page = await readFile(join(repository, "docs/pages.md"), "utf8");
  const blocks = [...page.matchAll(/^```tsx? title=apps\/web\/(\S+)\n(.*?)^```$/gms)];
  expect(blocks.map(([, file]) => file).sort()).toEqual([
    "src/app.tsx",
    "src/pages.ts",
    "src/pages/imprint.tsx",
    "src/pages/welcome.tsx",
    "src/theme.ts",
    "src/words.ts",
  ]);
  expect(page.match(/^```tsx?/gm)).toHaveLength(blocks.length);

  // Below the web app, whose packages it finds, and where Git ignores it: other tests copy what Git lists.
  const cache = join(web, "node_modules/.cache");
  await mkdir(cache, { recursive: true });
  const copy = await mkdtemp(join(cache, "docs-"));
  onTestFinished(() => rm(copy, { recursive: true, force: true }));
  await cp(join(web, "src"), join(copy, "src"), { recursive: true });
  await cp(join(web, "vite.config.ts"), join(copy, "vite.config.ts"));
  await symlink(join(web, "node_modules"), join(copy, "node_modules"));
  for (const [, file = "", code = ""] of blocks) await writeFile(join(copy, file), code);
  await writeFile(
    join(copy, "tsconfig.json"),
    JSON.stringify({ extends: join(web, "tsconfig.json"), include: ["src", "vite.config.ts"] }),
  );
  const tsc = join(import.meta.dirname, "../node_modules/typescript/bin/tsc");
  const printed = await execute(process.execPath, [tsc, "-p", copy]).then(
    () => "",
    ({ stdout }: { stdout: string }) => stdout,
  );
  expect(printed).toBe("");
});
