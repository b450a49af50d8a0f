// Owns news between servers of one PostgreSQL database: what one of them tells, the others hear within milliseconds, over
// one connection that listens. A row of the table `news` is kept for some minutes, for servers whose connection was lost.
// On SQLite, nothing is told and nothing is heard.
// @see https://www.postgresql.org/docs/current/sql-notify.html

import { once } from "node:events";
import { sql } from "kysely";
import type { Client, Notification } from "pg";
import { type Db, isPostgres } from "./database.ts";
import { outsideOfCalls } from "./time-limit.ts";

export interface NewsOptions {
  readonly db: Db;
  /** Epoch milliseconds by the clock of the database. */
  readonly now: () => number;
  readonly newId: () => string;
}

export interface ListenOptions {
  /** A connection string that reaches PostgreSQL itself, not a pooler. */
  readonly url: string;
  /** Called with each piece of news of another server, once or more often. */
  readonly hear: (piece: unknown) => void;
  /** Called when the connection is lost, and when PostgreSQL cannot be heard at all. */
  readonly report: (error: unknown) => void;
  /** How often lost notifications are looked for. */
  readonly lookEveryMs?: number;
}

const channel = "lockstep_news";

/** Only `deafnessOf` listens on it. */
const checkChannel = "lockstep_check";

/** PostgreSQL's limit on a notification is 8000 bytes. Larger news are read from the table. */
const maxNotifiedLength = 2000;

/** How long rows are kept, for servers that were not connected. */
const keptMs = 10 * 60_000;

/** Transactions may commit later than they began, and clocks differ a little. */
const overlapMs = 10_000;

/** A server that could not listen may have missed something. It counts as informed after the others' next poll. */
const informedAfterMs = 2000;

const retryMs = { first: 100, longest: 5000 };

/** An unanswered look means that the connection is dead. */
const answerLimitMs = 5000;

export type News = ReturnType<typeof createNews>;

export const createNews = ({ db, now, newId }: NewsOptions) => {
  const server = newId();
  const isShared = isPostgres(db);

  let untold: unknown[] = [];
  let telling: Promise<void> = Promise.resolve();

  const send = async (pieces: readonly unknown[]): Promise<void> => {
    const row = { id: newId(), at: now(), server, payload: JSON.stringify(pieces) };
    const notified = JSON.stringify(
      row.payload.length > maxNotifiedLength ? { id: row.id, server } : { id: row.id, server, pieces },
    );
    await sql`
      with told as (insert into news (id, at, server, payload) values (${row.id}, ${row.at}, ${server}, ${row.payload}) returning id)
      select pg_notify(${channel}, ${notified}) from told`.execute(db);
  };

  let listener: Awaited<ReturnType<typeof listen>> | null = null;

  return {
    /**
     * Tells the other servers, after the caller's turn: everything of one turn in one message. Never fails: who does not
     * hear it finds out by polling.
     */
    tell(piece: unknown): void {
      if (!isShared) return;
      if (untold.push(piece) > 1) return;
      telling = telling.then(() =>
        outsideOfCalls(async () => {
          const pieces = untold;
          untold = [];
          await send(pieces).catch(() => {});
        }),
      );
    },

    /** Waits until everything is told. */
    told: (): Promise<void> => telling,

    /** Whether this server has heard everything of the last seconds, so that it need not poll. */
    isInformed: (): boolean => listener?.isInformed() ?? false,

    /** Starts to listen. On SQLite, does nothing. */
    begin(options: ListenOptions): void {
      if (isShared) listener = listen({ ...options, server, now });
    },

    async end(): Promise<void> {
      await listener?.end();
      await telling;
    },

    /** Deletes rows that every server has heard. */
    async deleteOld(limit: number): Promise<number> {
      const old = db
        .selectFrom("news")
        .select("id")
        .where("at", "<", now() - keptMs)
        .limit(limit);
      const { numDeletedRows } = await db.deleteFrom("news").where("id", "in", old).executeTakeFirst();
      return Number(numDeletedRows);
    },
  };
};

/** What a notification says. */
interface Notified {
  readonly id: string;
  readonly server: string;
  /** Absent: in the table. */
  readonly pieces?: readonly unknown[];
}

interface NewsRow {
  readonly id: string;
  readonly payload: string;
}

const listen = ({
  url,
  hear,
  report,
  server,
  now,
  lookEveryMs = 15_000,
}: ListenOptions & { readonly server: string; readonly now: () => number }) => {
  let ended = false;
  let client: Client | null = null;
  let informedSince: number | null = null;
  let heardUntil = now();
  let retry: NodeJS.Timeout | undefined;
  /** What was heard, with the time, so that a look repeats nothing. */
  const heard = new Map<string, number>();

  const hearOnce = (id: string, pieces: readonly unknown[]): void => {
    if (heard.has(id)) return;
    heard.set(id, now());
    pieces.forEach(hear);
  };

  const answered = async <R extends object>(from: Client, text: string, values: readonly unknown[]): Promise<R[]> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("PostgreSQL did not answer")), answerLimitMs);
    });
    return Promise.race([from.query<R>(text, [...values]), late])
      .then(({ rows }) => rows)
      .finally(() => clearTimeout(timer));
  };

  /** Reads what was told since the last look. */
  const look = async (from: Client): Promise<void> => {
    const until = now();
    const rows = await answered<NewsRow>(
      from,
      "select id, payload from news where at > $1 and server <> $2 order by at",
      [heardUntil - overlapMs, server],
    );
    heardUntil = until;
    for (const { id, payload } of rows) hearOnce(id, JSON.parse(payload) as unknown[]);
    for (const [id, at] of heard) if (at < until - 2 * overlapMs) heard.delete(id);
  };

  const onNotification = (from: Client, { payload = "" }: Notification): void => {
    const { id, server: sender, pieces } = JSON.parse(payload) as Notified;
    if (sender === server) return;
    if (pieces) {
      hearOnce(id, pieces);
      return;
    }
    answered<NewsRow>(from, "select id, payload from news where id = $1", [id]).then(
      (rows) => {
        for (const row of rows) hearOnce(row.id, JSON.parse(row.payload) as unknown[]);
      },
      (error) => lose(from, error),
    );
  };

  const lose = (lost: Client, error: unknown): void => {
    if (client !== lost) return;
    client = null;
    informedSince = null;
    lost.end().catch(() => {});
    if (ended) return;
    report(error);
    reconnect(retryMs.first);
  };

  const reconnect = (waitMs: number): void => {
    retry = setTimeout(() => void connect(Math.min(2 * waitMs, retryMs.longest)), waitMs);
    retry.unref();
  };

  const connect = async (nextWaitMs: number): Promise<void> => {
    const { default: pg } = await import("pg");
    if (ended) return;
    const next = new pg.Client({ connectionString: url, keepAlive: true, connectionTimeoutMillis: answerLimitMs });
    next.on("error", (error) => lose(next, error));
    next.on("end", () => lose(next, new Error("PostgreSQL closed the connection that listens for news")));
    next.on("notification", (notification) => onNotification(next, notification));
    try {
      await next.connect();
      const [row] = await answered<{ pid: number }>(next, "select pg_backend_pid() as pid", []);
      if (row?.pid !== (next as Client & { processID: number }).processID) {
        report(new PoolerError());
        ended = true;
        await next.end();
        return;
      }
      await answered(next, `listen ${channel}`, []);
      await look(next);
      client = next;
      informedSince = now();
      if (ended) await end();
    } catch (error) {
      next.end().catch(() => {});
      if (ended) return;
      report(error);
      reconnect(nextWaitMs);
    }
  };

  const timer = setInterval(() => {
    const from = client;
    if (from) look(from).catch((error) => lose(from, error));
  }, lookEveryMs);
  timer.unref();
  void connect(retryMs.first);

  const end = async (): Promise<void> => {
    ended = true;
    clearInterval(timer);
    clearTimeout(retry);
    const open = client;
    client = null;
    informedSince = null;
    await open?.end().catch(() => {});
  };

  return {
    isInformed: () => informedSince !== null && now() - informedSince >= informedAfterMs,
    end,
  };
};

/** Whether this connection string hears what is told through `db`: the reason why not, or `null`. */
export const deafnessOf = async (db: Db, url: string): Promise<string | null> => {
  const { default: pg } = await import("pg");
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: answerLimitMs });
  const lost = once(client, "error").then(([error]) => Promise.reject(error));
  lost.catch(() => {});
  try {
    await Promise.race([client.connect(), lost]);
    const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
    if (rows[0]?.pid !== (client as Client & { processID: number }).processID) return "it goes through a pooler";
    await client.query(`listen ${checkChannel}`);
    const heard = once(client, "notification", { signal: AbortSignal.timeout(answerLimitMs) });
    heard.catch(() => {});
    await sql`select pg_notify(${checkChannel}, '')`.execute(db);
    await Promise.race([heard, lost]);
    return null;
  } catch (error) {
    const { name, message } = error as Error;
    return name === "AbortError" ? "it is of another database" : message;
  } finally {
    client.end().catch(() => {});
  }
};

/** A pooler gives each statement another connection, so nothing is ever heard. */
export class PoolerError extends Error {
  override readonly name = "PoolerError";

  constructor() {
    super(
      "DATABASE_URL goes through a pooler, so this server hears of other servers' changes only by polling. Set DATABASE_LISTEN_URL to PostgreSQL's own address.",
    );
  }
}
