// Owns the measured programs: each a process of its own, servers on a free port, stopped at the end.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";

export interface Running {
  readonly url: string;
  /** From the start of the process to the first answer. */
  readonly startMs: number;
  readonly child: ChildProcess;
  /** Resident memory, in bytes. */
  residentBytes(): number;
  /** The number of its open files and sockets. */
  openFiles(): number;
  stop(): Promise<void>;
}

const startTimeoutMs = 60_000;

const program = (name: string) => join(import.meta.dirname, name);

export const lockstep = join(import.meta.dirname, "../../apps/server/dist/main.js");
export const bareFastify = program("bare-fastify.ts");
export const bareUpdate = program("bare-update.ts");
export const bareBcrypt = program("bare-bcrypt.ts");
export const barePostgres = program("bare-postgres.ts");
export const officialAdapter = program("peer-official-adapter.ts");
export const plainTrpc = program("peer-trpc.ts");
export const express = program("peer-express.ts");
export const betterAuth = program("peer-better-auth.ts");
export const oidcProvider = program("peer-oidc-provider.ts");
export const flood = program("flood.ts");

const prelude = new URL("../../prelude.mjs", import.meta.url).href;

/** Starts a Node program that listens on `PORT`, and waits until `/healthz` answers. */
export const start = (source: string, env: Record<string, string>, nodeOptions: readonly string[] = []) =>
  startServer([process.execPath, ...asNpmStartDoes(source), "--import", prelude, ...nodeOptions, source], env);

/** The Node options of `npm start`, for our server. */
const asNpmStartDoes = (source: string) =>
  source === lockstep || source === officialAdapter ? ["--max-semi-space-size=8"] : [];

const fastapiNeeds = "import bcrypt, fastapi, jwt, multipart, uvicorn";

/** A Python with FastAPI and the other packages of the peer. `undefined`: there is none. */
export const pythonWithFastapi = ["/usr/bin/python3", "python3"].find(
  (python) => spawnSync(python, ["-c", fastapiNeeds], { stdio: "ignore" }).status === 0,
);

/** Starts the FastAPI peer under uvicorn, which uses uvloop and httptools if they are installed. */
export const startFastapi = async (python: string, env: Record<string, string>): Promise<Running> =>
  startServer(
    (port) => [
      python,
      ...["-m", "uvicorn", "peer_fastapi:app", "--app-dir", import.meta.dirname],
      ...["--host", "127.0.0.1", "--port", String(port), "--no-access-log", "--log-level", "warning"],
    ],
    { PYTHONDONTWRITEBYTECODE: "1", ...env },
  );

const startServer = async (
  command: readonly string[] | ((port: number) => readonly string[]),
  env: Record<string, string>,
): Promise<Running> => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const [executable = "", ...args] = typeof command === "function" ? command(port) : command;
  const startedAt = performance.now();
  const child = spawn(executable, args, {
    env: { PATH: process.env["PATH"], HOST: "127.0.0.1", PORT: String(port), PUBLIC_URL: url, ...env },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  await untilAnswers(`${url}/healthz`, child);
  const startMs = performance.now() - startedAt;
  return {
    url,
    startMs,
    child,
    residentBytes: () => residentBytes(child.pid ?? 0),
    openFiles: () => openFiles(child.pid ?? 0),
    async stop() {
      if (child.exitCode !== null) return;
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
    },
  };
};

/** Runs a Node program to its end, and parses its output as JSON. */
export const runToEnd = async (source: string, env: Record<string, string>): Promise<unknown> => {
  const child = spawn(process.execPath, [source], {
    env: { PATH: process.env["PATH"], ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  return JSON.parse(await text(child.stdout));
};

const untilAnswers = async (url: string, child: ChildProcess) => {
  const deadline = performance.now() + startTimeoutMs;
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`The server exited with ${child.exitCode}`);
    const answered = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (answered) return;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  child.kill("SIGKILL");
  throw new Error(`${url} did not answer`);
};

/** From `/proc`. NaN on other systems than Linux. */
const residentBytes = (pid: number) => {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return Number(kilobytes) * 1024;
  } catch {
    return Number.NaN;
  }
};

/** From `/proc`. NaN on other systems than Linux. */
const openFiles = (pid: number) => {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return Number.NaN;
  }
};

/** `utime` and `stime` of a process (proc(5)). NaN on other systems than Linux. */
export const cpuTicks = (pid: number): number => {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return Number(fields[11]) + Number(fields[12]);
  } catch {
    return Number.NaN;
  }
};

/** The processes that a process has started, from `/proc`. */
export const childrenOf = (pid: number): number[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((each) => parentOf(each) === pid);

const parentOf = (pid: number): number | null => {
  try {
    return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  } catch {
    return null;
  }
};

const freePort = () =>
  new Promise<number>((resolve) => {
    const probe = createServer();
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
