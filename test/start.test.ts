// `npm start` and `npm test` in a fresh copy of this repository: what they print, and that stopping them stops every
// process that they started.

import { afterAll, beforeAll, expect, onTestFailed, test } from "vitest";
import { freePort, startProgram } from "./processes.ts";
import { makeWorkingCopy, withBuilds } from "./working-copy.ts";

/** Lines of output, without those in which npm repeats the script. */
const linesOf = (output: string) => output.split("\n").filter((line) => line !== "" && !line.startsWith("> "));

let copy: ReturnType<typeof makeWorkingCopy>;
beforeAll(() => {
  copy = makeWorkingCopy();
});
afterAll(() => copy?.[Symbol.dispose]());

test("npm start and npm test print one line for each step, then the result, and nothing else", async () => {
  const [port, providerPort] = await Promise.all([freePort(), freePort()]);
  const url = `http://localhost:${port}`;
  const env = { ...withBuilds, PORT: String(port), DEMO_PROVIDER: "1", DEMO_PROVIDER_PORT: String(providerPort) };
  {
    await using start = startProgram("exec npm start", { cwd: copy.root, env });
    onTestFailed(() => {
      process.stderr.write(start.output());
    });
    await start.printed("accepts any name and password");
    expect(linesOf(start.output())).toEqual([
      "Installing packages…",
      "Building…",
      `Lockstep is ready: ${url}`,
      "Sign in as john / secret (development only).",
      `The demo identity provider at http://localhost:${providerPort} accepts any name and password.`,
    ]);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect(await (await fetch(url, { headers: { accept: "text/html" } })).text()).toContain('<div id="root">');

    // A supervisor signals only one process.
    await start.terminate();
    await expect(fetch(`${url}/healthz`)).rejects.toThrow("fetch failed");
    expect(start.survivors()).toEqual([]);
  }

  await using run = startProgram("npm test -- --project kit test/imports.test.ts", { cwd: copy.root, env: withBuilds });
  onTestFailed(() => {
    process.stderr.write(run.output());
  });
  expect(await run.exited).toBe(0);
  const lines = linesOf(run.output());
  expect(lines.slice(0, 3)).toEqual(["Installing packages…", "Building…", "Running the tests…"]);
  expect(lines.at(-1)).toMatch(/^[1-9]\d* passed, 0 failed$/);
  expect(run.output()).not.toMatch(/telemetry|Packages in scope/i);
});

test("npm start shows the output of a failed step and exits with its exit code", async () => {
  // Breaks the build.
  copy.edit("apps/web/src/main.tsx", 'from "./app.tsx"', 'from "./missing.tsx"');
  await using start = startProgram("npm start", { cwd: copy.root, env: { PORT: String(await freePort()) } });
  expect(await start.exited).not.toBe(0);
  expect(start.output()).toContain("./missing.tsx");
  expect(start.output()).not.toContain("is ready");
});
