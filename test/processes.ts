// Owns programs that tests start as somebody does in a terminal: what they print, and that all of their processes have
// ended afterwards, those that were started by others of them too.

import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

/** A port that nothing listens on. */
export const freePort = async (): Promise<number> => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("It listens on no port");
  return address.port;
};

export interface ProgramOptions {
  readonly cwd: string;
  /** Besides what the tests were started with. */
  readonly env?: Readonly<Record<string, string>>;
  /** What is typed into it; its input ends with that. */
  readonly input?: string;
}

export type Program = ReturnType<typeof startProgram>;

/** `command` in a shell; `await using` ends it. */
export const startProgram = (command: string, { cwd, env = {}, input = "" }: ProgramOptions) => {
  const child = spawn(command, {
    cwd,
    shell: true,
    // A process group of its own, as a terminal gives it: Ctrl-C reaches all of it.
    detached: true,
    env: { ...environment(), ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  // It may end without having read any.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  let output = "";
  const listeners = new Set<() => void>();
  const heard = (chunk: Buffer) => {
    // Colours are for terminals, and this is none; some programs give them all the same.
    output += stripColours(String(chunk));
    for (const listener of [...listeners]) listener();
  };
  child.stdout.on("data", heard);
  child.stderr.on("data", heard);
  let started: number[] = [];
  const exited = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));

  return {
    /** All that it printed so far, on both streams. */
    output: () => output,
    exited,
    /**
     * Waits until it printed `text` after the first `since` characters. Rejects when it ends before, or takes so long
     * that it will not.
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
      const late = wait(patienceMs, null, { signal: patience.signal }).then(() => {
        throw new Error(`It has not printed ${text}:\n${output}`);
      });
      await Promise.race([appeared, over, late]).finally(() => patience.abort());
    },
    /** Ends it by its process id, as a supervisor does, and waits until it and all that it started have ended. */
    async terminate(): Promise<void> {
      if (child.pid === undefined) return;
      started = descendantsOf(child.pid);
      signalTo(child.pid, "SIGTERM");
      await ended([child.pid, ...started]);
    },
    /** What it had started and is still there after `terminate`. */
    survivors: () => started.filter(isAlive),
    async [Symbol.asyncDispose]() {
      await endTree(child);
    },
  };
};

/** What the tests were started with, but for what their runner put there. */
const environment = () => {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|pnpm_|VITEST|NODE_ENV$|NODE_OPTIONS$|INIT_CWD$|FORCE_COLOR$|TURBO_)/i.test(name),
  );
  return Object.fromEntries(kept);
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: the character that colours begin with
const stripColours = (text: string) => text.replaceAll(/\u001b\[[\d;?]*[A-Za-z]/g, "");

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

/** What stops the wait for something that never comes: less than a test has, which then still cleans up. */
const patienceMs = 200_000;

/** How long programs have to end by themselves, in seconds. */
const graceSeconds = 15;

const endTree = async (child: ChildProcess) => {
  if (child.pid === undefined) return;
  // Remembered first: what outlives its parent belongs to nobody who could be asked.
  const started = descendantsOf(child.pid);
  signalGroup(child, "SIGINT");
  await ended([child.pid, ...started]);
  for (const pid of [child.pid, ...started]) if (isAlive(pid)) signalTo(pid, "SIGKILL");
};

/** Waits until none of them is there any more, or for as long as they are given. */
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

/** From `/proc`; nothing where there is none, and the group is all that is known. */
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
    // "pid (command) state parent …", where the command may have brackets of its own.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state = "", parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { parent: Number(parent), state };
  } catch {
    return null;
  }
};
