// Owns the users and sessions that databases are filled with, by SQL that both engines take: signing in a million times
// would take days.

import { type Kysely, PostgresAdapter, sql } from "kysely";

const day = 24 * 60 * 60 * 1000;

export interface Filling {
  /** They are called `user-0` and so on. */
  readonly users: number;
  /** Each live, from a sign-in of now. */
  readonly sessionsPerUser: number;
  /** In one transaction: the most that is lost when a fill is broken off. */
  readonly usersAtOnce?: number;
  /** Called with how many users there are. */
  readonly onProgress?: (users: number) => void;
}

/**
 * Adds what is missing to a database that a server made; begun again, it goes on where it was broken off. Everybody has
 * the password of john. Ids are random, as the server's are, so that sessions of one user are not neighbours in the index.
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
  // Nothing is lost that could not be filled in again.
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
  // As after any bulk load: until it knows what is there, PostgreSQL reads a user's sessions by the wrong index. In life,
  // autovacuum sees to it.
  if (isPostgres) await sql`analyze`.execute(db);
};

const countUsers = async <S>(db: Kysely<S>): Promise<number> => {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from users where username like 'user-%'`.execute(db);
  return Number(rows[0]?.count);
};

/** A session as a client holds it. */
export interface StoredSession {
  readonly id: string;
  readonly seed: string;
  readonly generation: number;
}

/**
 * Live sessions from all over the table, in no order.
 * @throws when there are not as many
 */
export const pickStoredSessions = async <S>(db: Kysely<S>, count: number): Promise<StoredSession[]> => {
  const { rows } = await sql<StoredSession>`
    select id, seed, generation from sessions where ended_at is null and idle_expires_at > ${sql.lit(Date.now())}
    order by random() limit ${sql.lit(count)}`.execute(db);
  if (rows.length < count) throw new Error("Too few sessions are still alive: remove the database, and fill it again");
  return rows;
};
