// Owns tokens in a file, for programs on a machine of their user: readable by nobody else, replaced as a whole,
// and shared by all processes that name the same file.

import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import lockfile from "proper-lockfile";
import type { TokenStore, Tokens } from "./tokens.ts";
import { createTurns, type TakeTurn } from "./turns.ts";

interface Content {
  readonly tokens?: Tokens | null;
  readonly deviceToken?: string | null;
}

/** Whoever holds the lock says so this often; one that was killed does not, and is waited for no longer than that. */
const staleMs = 10_000;

/** Long enough for a lock to go stale, and for a few who were there before. */
const lockRetries = { retries: 300, factor: 1.2, minTimeout: 20, maxTimeout: 200 };

/**
 * Keeps tokens in the file at `path`, which is made with mode 0600; its folder with 0700 when there is none.
 * Sign-in, refresh and sign-out take turns with every other process on this file, so that two that find an expired
 * token get one refresh. A file that cannot be understood counts as empty.
 */
export const fileTokens = (path: string): TokenStore => {
  const file = resolve(path);

  const read = async (): Promise<Content> => {
    try {
      const content: unknown = JSON.parse(await readFile(file, "utf8"));
      return typeof content === "object" && content !== null ? content : {};
    } catch (error) {
      if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === "ENOENT") return {};
      throw error;
    }
  };

  const write = async (change: Content) => {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const content = { ...(await read()), ...change };
    // Next to it, for only within one file system a rename replaces it as a whole.
    const draft = `${file}.${randomUUID()}`;
    try {
      const handle = await open(draft, "wx", 0o600);
      try {
        await handle.writeFile(JSON.stringify(content));
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(draft, file);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
  };

  // Two changes of one process: each reads what the other wrote.
  const line = turnsFor(file);
  const change = (part: Content) => line.writing(() => write(part));

  return {
    get: async () => (await read()).tokens ?? null,
    set: (tokens) => change({ tokens }),
    exclusive: (task) =>
      line.turns(async () => {
        await mkdir(dirname(file), { recursive: true, mode: 0o700 });
        // One that was lost to a machine that slept is no reason to stop: the server knows how to answer two at once.
        const options = { realpath: false, stale: staleMs, retries: lockRetries, onCompromised: () => {} };
        const release = await lockfile.lock(file, options);
        try {
          return await task();
        } finally {
          await release().catch(() => {});
        }
      }),
    device: {
      get: async () => (await read()).deviceToken ?? null,
      set: (deviceToken) => change({ deviceToken }),
    },
  };
};

const files = new Map<string, { readonly turns: TakeTurn; readonly writing: TakeTurn }>();

/** The lines of this process for one file: for turns, and for the writes within and without them. */
const turnsFor = (file: string) => {
  const existing = files.get(file);
  if (existing) return existing;
  const line = { turns: createTurns(), writing: createTurns() };
  files.set(file, line);
  return line;
};
