// Owns programs that tests start as a user does in a terminal: their output, and that all of their processes, children
// included, have ended afterwards.

import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import { inject } from "vitest";

/**
 * A port that nothing listens on. It is below those that the system gives out by itself: until a program listens on it, no
 * other test gets it.
 */
export const freePort = async (): Promise<number> => {
  const port = randomInt(20_000, 32_000);
  const server = createServer();
  const listening = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => resolve(true));
  });
  if (!listening) return freePort();
  await new Promise((resolve) => server.close(resolve));
  return port;
};

export interface ProgramOptions {
  readonly cwd: string;
  /** Added to the environment of the tests. */
  readonly env?: Readonly<Record<string, string>>;
  /** Its standard input, which then ends. */
  readonly input?: string;
}

export type Program = ReturnType<typeof startProgram>;

/** Starts `command` in a shell; `await using` ends it. */
export const startProgram = (command: string, { cwd, env = {}, input = "" }: ProgramOptions) => {
  const child = spawn(command, {
    cwd,
    shell: true,
    // Its own process group, as in a terminal: Ctrl-C reaches all of it.
    detached: true,
    env: { ...environment(), ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  // It may end without reading its input.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  let output = "";
  const listeners = new Set<() => void>();
  const onData = (chunk: Buffer) => {
    // Some programs print colours even where there is no terminal.
    output += stripVTControlCharacters(String(chunk));
    for (const listener of [...listeners]) listener();
  };
  child.stdout.on("data", onData);
  child.stderr.on("data", onData);
  let started: number[] = [];
  const exited = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));

  return {
    /** Its output so far, of both streams. */
    output: () => output,
    exited,
    /**
     * Waits until it has printed `text` after the first `since` characters. Rejects if it ends first, or after
     * `patienceMs`.
     */
    async printed(text: string | RegExp, since = 0): Promise<void> {
      const seen = () => (typeof text === "string" ? output.includes(text, since) : text.test(output.slice(since)));
      const appeared = new Promise<void>((resolve) => {
        const look = () => {
          if (!seen()) return;
          listeners.delete(look);
          resolve();
        };
        listeners.add(look);
        look();
      });
      const over = exited.then(() => {
        if (!seen()) throw new Error(`It ended before it printed ${text}:\n${output}`);
      });
      const patience = new AbortController();
      const late = wait(inject("patienceMs"), null, { signal: patience.signal }).then(() => {
        throw new Error(`It has not printed ${text}:\n${output}`);
      });
      await Promise.race([appeared, over, late]).finally(() => patience.abort());
    },
    /** Sends SIGTERM to its process alone, as a supervisor does, and waits until it and its descendants have ended. */
    async terminate(): Promise<void> {
      if (child.pid === undefined) return;
      started = descendantsOf(child.pid);
      signalTo(child.pid, "SIGTERM");
      await ended([child.pid, ...started]);
    },
    /** Descendants that are still running after `terminate`. */
    survivors: () => started.filter(isAlive),
    async [Symbol.asyncDispose]() {
      await endTree(child);
    },
  };
};

/** The environment of a user's terminal: that of the tests without what their runners added, installed tools included. */
const environment = () => {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|pnpm_|VITEST|NODE_ENV$|NODE_OPTIONS$|INIT_CWD$|FORCE_COLOR$|TURBO_)/i.test(name),
  );
  const path = process.env["PATH"]?.split(":").filter((directory) => !directory.includes("node_modules"));
  return { ...Object.fromEntries(kept), PATH: path?.join(":") };
};

const signalGroup = (child: ChildProcess, signal: NodeJS.Signals) => {
  if (child.pid !== undefined) signalTo(-child.pid, signal);
};

const signalTo = (pid: number, signal: NodeJS.Signals) => {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
};

/** How long programs may take to end before they are killed. */
const graceSeconds = 15;

const endTree = async (child: ChildProcess) => {
  if (child.pid === undefined) return;
  // Listed first: a process that outlives its parent can no longer be found through it.
  const started = descendantsOf(child.pid);
  signalGroup(child, "SIGINT");
  await ended([child.pid, ...started]);
  for (const pid of [child.pid, ...started]) if (isAlive(pid)) signalTo(pid, "SIGKILL");
};

/** Waits until all of them have ended, or for `graceSeconds`. */
const ended = async (pids: readonly number[]) => {
  for (let waited = 0; waited < graceSeconds * 10 && pids.some(isAlive); waited++) await wait(100);
};

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return stateOf(pid)?.state !== "Z";
  } catch {
    return false;
  }
};

/** Read from `/proc`; empty on systems without it, where only the process group is known. */
const descendantsOf = (pid: number): number[] => {
  const children = processIds().filter((each) => stateOf(each)?.parent === pid);
  return children.flatMap((each) => [each, ...descendantsOf(each)]);
};

const processIds = (): number[] => {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
};

const stateOf = (pid: number): { parent: number; state: string } | null => {
  try {
    // "pid (command) state parent …"; the command may contain parentheses.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state = "", parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { parent: Number(parent), state };
  } catch {
    return null;
  }
};
