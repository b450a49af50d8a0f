// Servers as separate processes, for tests of races between two servers and of sudden ends.

import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { EngineErrorCode, OperationIn, PathIn } from "@lockstep/kit";
import type { z } from "zod";
import type { DatabaseUrl } from "../src/db/database.ts";
import type { fixtureContract } from "../src/fixture-app.ts";
import type { Complete } from "./calls.ts";

type Path = PathIn<typeof fixtureContract>;
type Output<P extends Path> = Complete<z.output<OperationIn<typeof fixtureContract, P>["output"]>>;

/** The answer to a call. A broken connection rejects. */
export interface Answer<P extends Path> {
  readonly status: number;
  readonly code: EngineErrorCode | "OK";
  readonly reason: string | undefined;
  /** The result of the operation; `undefined` when it was refused. */
  readonly data: Output<P>;
}

/** A process that loads a server and waits for its settings, such as the database. Its clock may be wrong. */
export const prepareServer = ({ clockErrorMs = 0, program = join(import.meta.dirname, "server-process.ts") } = {}) => {
  const child = fork(program, {
    execArgv: clockErrorMs === 0 ? [] : ["--import", wrongClock(clockErrorMs)],
  });
  const exited = once(child, "exit");
  return { child, exited };
};

/** A module that shifts every time that the process reads from the machine's clock, libraries included. */
const wrongClock = (errorMs: number) =>
  `data:text/javascript,${encodeURIComponent(`
    const Right = globalThis.Date;
    globalThis.Date = class extends Right {
      constructor(...given) { given.length === 0 ? super(Right.now() + ${errorMs}) : super(...given); }
      static now() { return Right.now() + ${errorMs}; }
    };`)}`;

/** The settings of a server's process. */
export interface ServerSettings {
  readonly databaseUrl: DatabaseUrl;
  /** The URL that clients use. */
  readonly publicUrl?: string | undefined;
  /** Default: a free port. */
  readonly port?: number | undefined;
  readonly poolSize?: number | undefined;
  /** How long a database call may take. Default: a minute, since a busy machine is not an outage. */
  readonly databaseLimitMs?: number | undefined;
}

/** A server that is ready for calls; `kill` is SIGKILL, `await using` stops it in order. */
export const spawnServer = async (
  databaseUrl: DatabaseUrl,
  { child, exited } = prepareServer(),
  settings: Omit<ServerSettings, "databaseUrl"> = {},
) => {
  child.send({ databaseUrl, ...settings } satisfies ServerSettings);
  const [url] = (await Promise.race([once(child, "message"), exited])) as [string | number | null];
  if (typeof url !== "string") throw new Error(`The server ended at its start: ${url}`);

  const call = async <P extends Path>(path: P, init: RequestInit, token?: string): Promise<Answer<P>> => {
    const response = await fetch(`${url}/trpc/${path}`, {
      ...init,
      headers: { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) },
    });
    const { result, error } = (await response.json()) as {
      result?: { data: Output<P> };
      error?: { data: { code: EngineErrorCode; details: { reason?: string } } };
    };
    return {
      status: response.status,
      code: error?.data.code ?? "OK",
      reason: error?.data.details.reason,
      data: result?.data as Output<P>,
    };
  };
  return {
    url,
    processId: child.pid,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    query: <P extends Path>(path: P, token?: string) => call(path, {}, token),
    mutate: <P extends Path>(
      path: P,
      input?: z.input<OperationIn<typeof fixtureContract, P>["input"]>,
      token?: string,
    ) => call(path, { method: "POST", body: input === undefined ? "" : JSON.stringify(input) }, token),
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
};
