// Runs the tutorial docs/your-first-feature.md in a new app, block by block: writes the files, applies the changes,
// runs the commands, and compares their output.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
// @boundaries-ignore ports that no other test of this repository takes
import { freePort } from "../../../test/processes.ts";
import { createLinkedApp } from "./linked-app.ts";

const repository = join(import.meta.dirname, "../../..");

interface Block {
  readonly language: string;
  /** The file of the block; absent for commands and their output. */
  readonly title: string | undefined;
  /** `try`: the change is a mistake that the compiler refuses. `try-start`: one that the start refuses. */
  readonly purpose: string | undefined;
  readonly text: string;
}

const blocksOf = (page: string): Block[] =>
  [...page.matchAll(/^```(\w+)(?: title=(\S+))?(?: (try|try-start))?\n(.*?)^```$/gms)].map(
    ([, language = "", title, purpose, text = ""]) => ({ language, title, purpose, text }),
  );

/** Applies a unified diff without line numbers. The removed lines must occur exactly once. */
const applied = (change: string, content: string): string => {
  const lines = change.trimEnd().split("\n");
  const side = (left: string) =>
    lines
      .filter((line) => line.startsWith(" ") || line.startsWith(left))
      .map((line) => `${line.slice(1)}\n`)
      .join("");
  const parts = content.split(side("-"));
  if (parts.length !== 2) throw new Error(`The lines to change occur ${parts.length - 1} times:\n${side("-")}`);
  return parts.join(side("+"));
};

/** Whether an output has these lines in this order. `…` stands for any text. */
const expectPrinted = (output: string, expected: string) => {
  const escaped = (text: string) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
  const lines = expected
    .trim()
    .split("\n")
    .map((line) => line.trim().split("…").map(escaped).join(".*"));
  expect(output).toMatch(new RegExp(lines.join("(?:.|\n)*")));
};

let app: Awaited<ReturnType<typeof createLinkedApp>>;
beforeAll(async () => {
  app = await createLinkedApp();
  await checkTypesIncrementally();
});
afterAll(() => app?.[Symbol.asyncDispose]());

/** Saves most of the work of `npm run typecheck`, which the tutorial runs ten times: it checks again only what a change affects. */
const checkTypesIncrementally = async () => {
  const file = join(app.folder, "tsconfig.base.json");
  const settings = JSON.parse(await readFile(file, "utf8"));
  Object.assign(settings.compilerOptions, {
    checkers: 1,
    incremental: true,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the compiler's own variable
    tsBuildInfoFile: "${configDir}/node_modules/.tsbuildinfo",
  });
  await writeFile(file, JSON.stringify(settings));
};

const start = (command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
  const child = spawn(command, args, {
    cwd: app.folder,
    env: {
      PATH: `${join(repository, "node_modules/.bin")}:${process.env["PATH"]}`,
      HOME: process.env["HOME"],
      NO_COLOR: "1",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk));
  const ended = once(child, "close").then(([exitCode]) => exitCode as number);
  return { child, ended, output: () => output };
};

/** Runs a command of the page in the app. */
const run = async (command: string, env?: Readonly<Record<string, string>>) => {
  const { ended, output } = start("sh", ["-c", command], env);
  return { exitCode: await ended, output: output() };
};

/** Starts the app from its sources, which `npm start` would build first. It may refuse to start. */
const startApp = async () => {
  const host = `127.0.0.1:${await freePort()}`;
  const main = ["--import", "@lockstep/server/prelude", "apps/server/src/main.ts"];
  const [, port = ""] = host.split(":");
  const { child, ended, output } = start("node", main, { HOST: "127.0.0.1", PORT: port, PUBLIC_URL: `http://${host}` });
  const ready = new Promise<void>((resolve) => {
    child.stdout.on("data", () => output().includes("is ready") && resolve());
  });
  await Promise.race([ready, ended]);
  return {
    host,
    output,
    async [Symbol.asyncDispose]() {
      child.kill();
      await ended;
    },
  };
};

/** Makes a change of the page, and returns a function that undoes it. */
const change = async ({ title = "", text }: Block) => {
  const file = join(app.folder, title);
  const before = await readFile(file, "utf8");
  await writeFile(file, applied(text, before));
  return () => writeFile(file, before);
};

/** Calls a running app as the page does. The first call returns the token for the others. */
const call = async (commands: string): Promise<string> => {
  await using running = await startApp();
  let accessToken = "";
  let output = "";
  for (const command of commands.trim().split(/(?<!\\)\n/)) {
    ({ output } = await run(command.replace("localhost:3000", running.host), { ACCESS_TOKEN: accessToken }));
    accessToken ||= JSON.parse(output).access_token;
  }
  return output;
};

/** Executes a block, and returns the output. */
const follow = async (block: Block, next: Block | undefined): Promise<string | null> => {
  const { language, title, purpose, text } = block;
  if (title !== undefined && language !== "diff") {
    await writeFile(join(app.folder, title), text);
    return null;
  }
  if (purpose === undefined && language === "diff") {
    await change(block);
    return null;
  }
  if (language === "diff") {
    const restore = await change(block);
    try {
      if (purpose === "try") return (await run("npm run typecheck")).output;
      await using refused = await startApp();
      return refused.output();
    } finally {
      await restore();
    }
  }
  if (text.startsWith("npm create ") || text.startsWith("npm start")) return null; // this test does both differently
  if (text.startsWith("curl ")) return call(text);
  const { exitCode, output } = await run(text);
  // A command without expected output must succeed.
  if (next?.language !== "text") expect([exitCode, output]).toEqual([0, expect.anything()]);
  return output;
};

const page = await readFile(join(repository, "docs/your-first-feature.md"), "utf8");
/** The sections by heading. Each continues where the previous one ended. */
const sections = page.split(/^## /m).map((text) => ({ heading: text.split("\n")[0] ?? "", text }));

describe("the tutorial works in a new app, with the documented output", () => {
  it.each(sections)("$heading", async ({ text }) => {
    const blocks = blocksOf(text);
    expect(blocks.length * 2).toBe(text.match(/^```/gm)?.length);
    let printed = "";
    for (const [place, block] of blocks.entries()) {
      if (block.language === "text") expectPrinted(printed, block.text);
      else printed = (await follow(block, blocks[place + 1])) ?? printed;
    }
  });
});
