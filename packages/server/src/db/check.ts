// Owns the check of a database: whether its files are undamaged, whether each row refers to rows that exist, and what
// must hold for users, sessions and grants. Reads only.

import { type RawBuilder, sql } from "kysely";
import { type Db, isPostgres } from "./database.ts";

/** One kind of rows that should not exist, or a damage of the files. */
export interface Finding {
  readonly check: string;
  /** What is wrong, in a sentence. */
  readonly problem: string;
  readonly rows: number;
  /** The IDs of some of the rows. */
  readonly examples: readonly string[];
  readonly advice: string;
}

/** Rows that should not exist. */
interface Rule {
  readonly check: string;
  readonly problem: string;
  /** Selects the ID of each, as `id`. */
  readonly wrong: RawBuilder<{ readonly id: string }>;
  readonly advice: string;
}

const editedByHand = "They were written past the server. Correct or delete them, after a backup.";

const rulesFor = (roles: readonly string[]): readonly Rule[] => [
  {
    check: "usernames",
    problem: "Users have a username in upper case, which nobody can sign in with.",
    wrong: sql`select id from users where username <> lower(username)`,
    advice: editedByHand,
  },
  {
    check: "addresses",
    problem: "Users have an e-mail address in upper case, which nobody can sign in with.",
    wrong: sql`select id from users where email <> lower(email)`,
    advice: editedByHand,
  },
  {
    check: "names-of-others",
    problem: "Users have a username that is the e-mail address of somebody else.",
    wrong: sql`select users.id from users join users others on others.email = users.username and others.id <> users.id`,
    advice: "Rename them, and tell them.",
  },
  {
    check: "verified-addresses",
    problem: "Users have a verified e-mail address, but no address.",
    wrong: sql`select id from users where email is null and email_proof is not null`,
    advice: editedByHand,
  },
  {
    check: "roles",
    problem: `Users have a role that the app does not declare. It declares: ${roles.join(", ")}.`,
    wrong: sql`select id from users where role not in (${sql.join(roles)})`,
    advice: "Declare the role in the contract, or give them another one with `lockstep user update`.",
  },
  {
    check: "ended-sessions",
    problem: "Sessions have ended without a reason, or have a reason and have not ended.",
    wrong: sql`select id from sessions where (ended_at is null) <> (end_reason is null)`,
    advice: editedByHand,
  },
  {
    check: "session-times",
    problem: "Sessions expire before they began.",
    wrong: sql`select id from sessions where expires_at < created_at or idle_expires_at < created_at`,
    advice: "Compare the clocks of the servers, and delete these sessions.",
  },
  {
    check: "disabled-users",
    problem: "Disabled users have sessions that have not ended. The server refuses their calls.",
    wrong: sql`
      select sessions.id from sessions join users on users.id = sessions.user_id
      where users.disabled = 1 and sessions.ended_at is null`,
    advice: "Disable the users again with `lockstep user disable`, which ends their sessions.",
  },
  {
    check: "records-of-grants",
    problem: "Records of the authorization server belong to a grant that does not exist.",
    wrong: sql`
      select id from oauth_records
      where kind = 'RefreshToken' and grant_id is not null and not exists (select 1 from grants where grants.id = grant_id)`,
    advice: "Delete them: nobody can use them.",
  },
];

const maxExamples = 3;

/** Everything that is wrong, in no order of importance. Empty: nothing is. */
export const checkDatabase = async (db: Db, roles: readonly string[]): Promise<readonly Finding[]> => {
  const damages = isPostgres(db) ? [] : await damagesOf(db);
  const findings: Finding[] = [];
  for (const { wrong, ...rule } of rulesFor(roles)) {
    const counted = await sql<{ rows: number }>`select count(*) as rows from (${wrong}) wrong`.execute(db);
    const rows = Number(counted.rows[0]?.rows ?? 0);
    if (rows === 0) continue;
    const examples = await sql<{ id: string }>`select id from (${wrong}) wrong limit ${maxExamples}`.execute(db);
    findings.push({ ...rule, rows, examples: examples.rows.map(({ id }) => id) });
  }
  return [...damages, ...findings];
};

/** PostgreSQL checks references itself, always; SQLite only on connections that ask for it, unlike its command line. */
const damagesOf = async (db: Db): Promise<readonly Finding[]> => {
  const integrity = await sql<Record<string, string>>`pragma integrity_check(100)`.execute(db);
  const problems = integrity.rows.flatMap((row) => Object.values(row)).filter((text) => text !== "ok");
  const broken = await sql<{ table: string; parent: string; rows: number }>`
    select "table", parent, count(*) as rows from pragma_foreign_key_check() group by "table", parent`.execute(db);
  return [
    ...(problems.length > 0
      ? [
          {
            check: "files",
            problem: "The database file is damaged.",
            rows: problems.length,
            examples: problems.slice(0, maxExamples),
            advice: "Stop the server, keep the file, and restore a backup.",
          },
        ]
      : []),
    ...broken.rows.map(({ table, parent, rows }) => ({
      check: "references",
      problem: `Rows of ${table} refer to rows of ${parent} that do not exist.`,
      rows,
      examples: [],
      advice: editedByHand,
    })),
  ];
};
