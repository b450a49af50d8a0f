// Owns tokens in a file, for programs on their user's machine. Only the user can read the file; it is replaced atomically;
// all processes that name the same file share it.

import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import lockfile from "proper-lockfile";
import type { TokenStore, Tokens } from "./tokens.ts";
import { createTurns, type TakeTurn } from "./turns.ts";

export type { Slot, TokenStore, Tokens } from "./tokens.ts";

interface Content {
  readonly tokens?: Tokens | null;
  readonly deviceToken?: string | null;
}

/** After this time without a sign of life, the lock of a process that was killed can be taken over. */
const staleMs = 10_000;

/** Long enough for a lock to become stale, and for the turns of a few other processes. */
const lockRetries = { retries: 300, factor: 1.2, minTimeout: 20, maxTimeout: 200 };

/**
 * Keeps tokens in the file at `path`. Creates it with mode 0600, and its folder with mode 0700 if there is none.
 * Sign-in, refresh and sign-out take turns with all other processes that use the file, so that two processes with an
 * expired token make one refresh. A file that is not valid JSON counts as empty.
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
    // In the same folder: a rename is atomic only within one file system.
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

  // Changes of this process run one after the other: each reads what the other wrote.
  const queues = queuesOf(file);
  const change = (part: Content) => queues.writes(() => write(part));

  return {
    get: async () => (await read()).tokens ?? null,
    set: (tokens) => change({ tokens }),
    exclusive: (task) =>
      queues.turns(async () => {
        await mkdir(dirname(file), { recursive: true, mode: 0o700 });
        // A lock can be lost while the machine sleeps. Go on: the server's grace window covers two refreshes at once.
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

const files = new Map<string, { readonly turns: TakeTurn; readonly writes: TakeTurn }>();

/** The queues of this process for one file. Writes have their own, because they happen inside and outside of turns. */
const queuesOf = (file: string) => {
  const existing = files.get(file);
  if (existing) return existing;
  const queues = { turns: createTurns(), writes: createTurns() };
  files.set(file, queues);
  return queues;
};
