// A separate PostgreSQL for faults that would disturb other tests. It can be frozen, stopped and restarted, or replaced
// by its replica on the same port, and its connections can be cut.

import { fork } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import type { DatabaseUrl } from "../../src/db/database.ts";

export const startCluster = async () => {
  const child = fork(join(import.meta.dirname, "../postgres-process.ts"));
  const exited = once(child, "exit");
  const [url] = (await Promise.race([once(child, "message"), exited])) as [DatabaseUrl | number | null];
  if (typeof url !== "string") throw new Error("PostgreSQL did not start");

  const administer = async <Row extends object>(statement: string): Promise<Row[]> => {
    const client = new pg.Client(url);
    client.on("error", () => {});
    await client.connect();
    try {
      return (await client.query<Row>(statement)).rows;
    } finally {
      await client.end();
    }
  };

  const tell = async (what: "stop" | "start" | "replicate" | "fail over") => {
    child.send(what);
    await once(child, "message");
  };

  const processIds = async (): Promise<number[]> => {
    const [file] = await administer<{ text: string }>("select pg_read_file('postmaster.pid') as text");
    const postmaster = Number(file?.text.split("\n")[0]);
    return [postmaster, ...childrenOf(postmaster)];
  };

  let frozen: number[] = [];
  const thaw = () => {
    for (const pid of frozen) signal(pid, "SIGCONT");
    frozen = [];
  };

  return {
    url,
    administer,
    stop: () => tell("stop"),
    start: () => tell("start"),
    /** Creates a replica, which follows every change. Briefly interrupts the cluster. */
    replicate: () => tell("replicate"),
    /**
     * Waits until the replica has every change, stops the cluster, and replaces it by the replica, which serves reads.
     */
    async failOver() {
      for (;;) {
        const [row] = await administer<{ same: boolean }>(
          "select replay_lsn = pg_current_wal_lsn() as same from pg_stat_replication",
        );
        if (row?.same) break;
      }
      await tell("fail over");
    },
    /** Promotes the replica, so that it accepts writes. */
    promote: () => administer("select pg_promote()"),
    /** Freezes every process of PostgreSQL: connections stay open, and nothing answers. */
    async freeze() {
      frozen = await processIds();
      for (const pid of frozen) signal(pid, "SIGSTOP");
    },
    thaw,
    /** Cuts all other connections to the database, and waits until they have ended. Returns their number. */
    async cut(): Promise<number> {
      const [row] = await administer<{ cut: string }>(
        "select count(pg_terminate_backend(pid, 10000)) as cut from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()",
      );
      return Number(row?.cut);
    },
    /** A connection that stays open until it is closed, for locks. */
    async connect() {
      const client = new pg.Client(url);
      client.on("error", () => {});
      await client.connect();
      return client;
    },
    async [Symbol.asyncDispose]() {
      thaw();
      child.disconnect();
      await exited;
    },
  };
};

export type Cluster = Awaited<ReturnType<typeof startCluster>>;

const signal = (pid: number, name: "SIGSTOP" | "SIGCONT") => {
  try {
    process.kill(pid, name);
  } catch (error) {
    // It has already ended.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
};

/** Linux's own list of processes. */
const childrenOf = (parent: number): number[] =>
  readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && parentOf(pid) === parent);

const parentOf = (pid: number): number | null => {
  try {
    return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  } catch {
    return null;
  }
};
