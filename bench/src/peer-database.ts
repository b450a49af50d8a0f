// The peers' database access: the reads and writes of Lockstep's guard and sign-in, on the same tables, as plain SQL that is
// prepared once.

import { randomBytes } from "node:crypto";
import { DatabaseSync } from "node:sqlite";

const sessionLifetimeMs = 90 * 24 * 60 * 60 * 1000;

export const openPeerDatabase = (file: string) => {
  const database = new DatabaseSync(file, { timeout: 5000 });
  // The same settings as in packages/server/src/db/sqlite.ts.
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;");
  const findLive = database.prepare(
    `select users.id, username, email, full_name as fullName, role, disabled, users.created_at as createdAt
     from sessions inner join users on users.id = user_id
     where sessions.id = ? and ended_at is null and expires_at > ? and idle_expires_at > ? and disabled = 0`,
  );
  const findByUsername = database.prepare(
    "select id, username, email, full_name as fullName, password_hash as passwordHash from users where username = ?",
  );
  const insertSession = database.prepare(
    `insert into sessions (id, user_id, created_at, authenticated_at, last_seen_at, idle_expires_at, expires_at, seed,
       generation, replaced) values (?1, ?2, ?3, ?3, ?3, ?4, ?4, ?5, 0, '[]')`,
  );
  const insertAudit = database.prepare(
    "insert into audit_log (id, at, action, outcome, user_id, session_id, detail) values (?, ?, ?, ?, ?, ?, '{}')",
  );
  return {
    findLive(sessionId: string) {
      const row = findLive.get(sessionId, Date.now(), Date.now());
      return row ? { ...row, disabled: row["disabled"] === 1 } : null;
    },
    findByUsername: (username: string) =>
      findByUsername.get(username) as { id: string; username: string; passwordHash: string } | undefined,
    startSession(userId: string): string {
      const id = randomBytes(16).toString("base64url");
      const now = Date.now();
      database.exec("begin immediate");
      insertSession.run(id, userId, now, now + sessionLifetimeMs, randomBytes(20).toString("base64url"));
      insertAudit.run(randomBytes(16).toString("base64url"), now, "sign_in", "ok", userId, id);
      database.exec("commit");
      return id;
    },
    close: () => database.close(),
  };
};
