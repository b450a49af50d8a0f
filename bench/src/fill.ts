// Owns filling databases with users and sessions, by SQL for both engines: a million sign-ins would take days.

import { type Kysely, PostgresAdapter, sql } from "kysely";

const day = 24 * 60 * 60 * 1000;

export interface Filling {
  /** Their names are `user-0` and so on. */
  readonly users: number;
  /** All of them active, with a sign-in of now. */
  readonly sessionsPerUser: number;
  /** In one transaction: the most that is lost when a fill is interrupted. */
  readonly usersAtOnce?: number;
  /** Called with the number of users so far. */
  readonly onProgress?: (users: number) => void;
}

/**
 * Adds the missing users and sessions to a database that a server created. Continues an interrupted fill. All users have
 * john's password. IDs are random, like the server's, so the sessions of one user are not neighbours in the index.
 */
export const fillDatabase = async <S>(
  db: Kysely<S>,
  { users, sessionsPerUser, usersAtOnce = 10_000, onProgress }: Filling,
) => {
  const isPostgres = db.getExecutor().adapter instanceof PostgresAdapter;
  const randomText = (length: number) =>
    sql.raw(
      `substr(${isPostgres ? "replace(gen_random_uuid()::text, '-', '')" : "hex(randomblob(16))"}, 1, ${length})`,
    );
  const now = sql.lit(Date.now());
  // Lost data can be filled in again.
  if (!isPostgres) await sql`pragma synchronous = off`.execute(db);
  if (!isPostgres) await sql`pragma cache_size = -500000`.execute(db);

  let filled = await countUsers(db);
  onProgress?.(filled);
  while (filled < users) {
    const [from, to] = [sql.lit(filled), sql.lit(Math.min(users, filled + usersAtOnce))];
    const numbers = sql`with recursive n(i) as (select ${from} union all select i + 1 from n where i + 1 < ${to})`;
    await db.transaction().execute(async (transaction) => {
      await sql`${numbers}
        insert into users (id, username, email, full_name, role, disabled, password_hash, created_at)
        select ${randomText(22)}, 'user-' || i, 'user-' || i || '@example.com', 'User ' || i, 'user', 0,
          (select password_hash from users where username = 'john'), ${now} from n`.execute(transaction);
      await sql`${numbers}, k(j) as (select 1 union all select j + 1 from k where j < ${sql.lit(sessionsPerUser)})
        insert into sessions (id, user_id, created_at, authenticated_at, last_seen_at, idle_expires_at, expires_at,
          seed, generation, replaced, address, user_agent)
        select ${randomText(22)}, users.id, ${now}, ${now}, ${now}, ${sql.lit(Date.now() + 14 * day)},
          ${sql.lit(Date.now() + 90 * day)}, ${randomText(27)}, 0, '[]', '192.0.2.1',
          'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0'
        from n cross join k inner join users on username = 'user-' || i`.execute(transaction);
    });
    filled = Math.min(users, filled + usersAtOnce);
    onProgress?.(filled);
  }
  // Needed after any bulk load: without statistics, PostgreSQL reads a user's sessions by the wrong index. In production,
  // autovacuum does this.
  if (isPostgres) await sql`analyze`.execute(db);
};

const countUsers = async <S>(db: Kysely<S>): Promise<number> => {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from users where username like 'user-%'`.execute(db);
  return Number(rows[0]?.count);
};

/** A session as its client knows it. */
export interface StoredSession {
  readonly id: string;
  readonly seed: string;
  readonly generation: number;
}

/**
 * Active sessions from all over the table, in random order.
 * @throws Error when there are too few
 */
export const pickStoredSessions = async <S>(db: Kysely<S>, count: number): Promise<StoredSession[]> => {
  const { rows } = await sql<StoredSession>`
    select id, seed, generation from sessions where ended_at is null and idle_expires_at > ${sql.lit(Date.now())}
    order by random() limit ${sql.lit(count)}`.execute(db);
  if (rows.length < count) throw new Error("Too few sessions are active. Delete the database and fill it again.");
  return rows;
};
