// Owns the servers that are measured: each a process of its own, on a free port, stopped at the end.

import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";

export interface Running {
  readonly url: string;
  /** From the start of the process to its first answer. */
  readonly startMs: number;
  /** Resident memory, in bytes. */
  residentBytes(): number;
  stop(): Promise<void>;
}

const startTimeoutMs = 20_000;

/** Starts a Node program that listens on `PORT`, and waits until `/healthz` answers. */
export const start = async (program: string, env: Record<string, string>): Promise<Running> => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const startedAt = performance.now();
  const child = spawn(process.execPath, ["--import", prelude, program], {
    env: { PATH: process.env["PATH"], HOST: "127.0.0.1", PORT: String(port), PUBLIC_URL: url, ...env },
    stdio: ["ignore", "ignore", "inherit"],
  });
  await untilAnswers(`${url}/healthz`, child);
  const startMs = performance.now() - startedAt;
  return {
    url,
    startMs,
    residentBytes: () => residentBytes(child.pid ?? 0),
    stop: () =>
      new Promise((resolve) => {
        child.once("exit", () => resolve());
        child.kill("SIGTERM");
      }),
  };
};

const prelude = new URL("../../prelude.mjs", import.meta.url).href;

export const lockstep = join(import.meta.dirname, "../../apps/server/src/main.ts");
export const bareFastify = join(import.meta.dirname, "bare-fastify.ts");
export const bareUpdate = join(import.meta.dirname, "bare-update.ts");
export const bareBcrypt = join(import.meta.dirname, "bare-bcrypt.ts");
export const flood = join(import.meta.dirname, "flood.ts");

/** Runs a Node program to its end, and answers what it printed, as JSON. */
export const runToEnd = async (program: string, env: Record<string, string>): Promise<unknown> => {
  const child = spawn(process.execPath, [program], {
    env: { PATH: process.env["PATH"], ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  return JSON.parse(await text(child.stdout));
};

const untilAnswers = async (url: string, child: ChildProcess) => {
  const deadline = performance.now() + startTimeoutMs;
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`The server ended with ${child.exitCode}`);
    const answered = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (answered) return;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error(`${url} did not answer`);
};

/** Linux's own count; elsewhere it is not known. */
const residentBytes = (pid: number) => {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return Number(kilobytes) * 1024;
  } catch {
    return Number.NaN;
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
