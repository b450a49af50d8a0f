// Owns the audit log: who did what, when, from where, with which outcome. Append-only: the database refuses to change a
// row, except that the entries of an account which is being deleted lose who it was. Each entry is written in the
// transaction of the change that it records.

import type { Kysely, Selectable } from "kysely";
import type { Db } from "../../db/database.ts";
import type { AuditLogTable } from "../../db/schema.ts";
import { type Now, type Random, randomId } from "./environment.ts";

export const auditActions = [
  "sign_in",
  "sign_out",
  "session.revoke",
  "session.reuse",
  "password.change",
  "password.set",
  "password.require_reset",
  "password.create",
  "password.reset",
  "user.create",
  "user.update",
  "user.change_email",
  "user.undo_email_change",
  "user.verify_email",
  "user.invite",
  "user.disable",
  "user.enable",
  "user.export",
  "user.request_deletion",
  "user.cancel_deletion",
  "user.delete",
  "grant.approve",
  "grant.revoke",
  "grant.reuse",
  "client.register",
  "client.update",
  "client.verify",
  "client.rotate_secret",
  "client.delete",
  "identity.link",
  "identity.unlink",
  "factor.add",
  "factor.rename",
  "factor.remove",
  "factor.reset",
  "factor.request_reset",
  "factor.cancel_reset",
  "factor.require",
  "factor.renew_recovery_codes",
  "factor.forget_device",
  "session.step_up",
  "keys.rotate",
  "keys.retire",
  "mail.give_up",
] as const;
export type AuditAction = (typeof auditActions)[number];

/** The source of a change. */
export interface Source {
  readonly address: string | null;
  readonly userAgent: string | null;
  readonly requestId: string | null;
}

/** A change made by an administrator's command. */
export const commandLine: Source = { address: null, userAgent: "lockstep command", requestId: null };

/** A change that a server makes by itself. */
export const background: Source = { address: null, userAgent: "lockstep server", requestId: null };

export interface AuditEntry {
  readonly id: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** An `AuditAction`, or one of the app's own. */
  readonly action: string;
  readonly outcome: "done" | "refused";
  /** The account concerned; `null`: there is none. */
  readonly userId: string | null;
  readonly sessionId: string | null;
  readonly detail: Record<string, unknown>;
  readonly source: Source;
}

export interface NewAuditEntry {
  readonly action: AuditAction;
  readonly outcome?: AuditEntry["outcome"];
  readonly userId: string | null;
  readonly sessionId?: string | null;
  /** Never a secret, never a password. */
  readonly detail?: Record<string, unknown>;
  readonly source: Source;
}

/** An entry of an app: `note.delete`. */
export interface AppAuditEntry extends Omit<NewAuditEntry, "action"> {
  readonly action: `${string}.${string}`;
}

/** The audit log, as an app's procedures write it. */
export interface AppAudit {
  /** Writes an entry; `transaction` is the one of what it records. */
  // biome-ignore lint/suspicious/noExplicitAny: of a database with the app's tables, which the engine does not know
  record(entry: AppAuditEntry, transaction?: Kysely<any>): Promise<void>;
}

export interface AuditPage {
  readonly userId: string | undefined;
  /** Epoch milliseconds. */
  readonly since: number;
  /** The last entry of the previous page; `null`: the first page. */
  readonly after: Pick<AuditEntry, "id" | "at"> | null;
  readonly limit: number;
}

export type Audit = ReturnType<typeof createAudit>;

export interface AuditOptions {
  readonly db: Db;
  readonly now: Now;
  readonly random: Random;
  /** Called with each entry that is written. Its transaction may still be undone. */
  readonly onEntry?: ((entry: NewAuditEntry) => void) | undefined;
}

export const createAudit = ({ db, now, random, onEntry }: AuditOptions) => ({
  /** Writes an entry in the transaction of the change that it records. */
  record(entry: NewAuditEntry, transaction: Db = db): Promise<void> {
    return this.recordAll([entry], transaction);
  },

  /** What the entries of a deleted account keep: what happened, when, and how it ended. */
  withoutPerson: (pseudonym: string) => ({
    user_id: pseudonym,
    session_id: null,
    detail: "{}",
    address: null,
    user_agent: null,
    request_id: null,
  }),

  /** Writes entries in one statement: at most a thousand. */
  async recordAll(entries: readonly NewAuditEntry[], transaction: Db): Promise<void> {
    if (entries.length === 0) return;
    await transaction
      .insertInto("audit_log")
      .values(
        entries.map((entry) => ({
          id: randomId(random),
          at: now(),
          action: entry.action,
          outcome: entry.outcome ?? "done",
          user_id: transaction === db ? unlessDeleted(db, entry.userId) : entry.userId,
          session_id: entry.sessionId ?? null,
          detail: JSON.stringify(entry.detail ?? {}),
          address: entry.source.address,
          user_agent: entry.source.userAgent,
          request_id: entry.source.requestId,
        })),
      )
      .execute();
    if (onEntry) entries.forEach(onEntry);
  },

  /** Entries of one user or of all, newest first. */
  async list({ userId, since = 0, limit }: { userId?: string; since?: number; limit: number }): Promise<AuditEntry[]> {
    const rows = await db
      .selectFrom("audit_log")
      .selectAll()
      .where("at", ">=", since)
      .$if(userId !== undefined, (query) => query.where("user_id", "=", userId ?? ""))
      .orderBy("at", "desc")
      .orderBy("id")
      .limit(limit)
      .execute();
    return rows.map(entryFromRow);
  },

  /** When one of the actions was last done to a user's account: epoch milliseconds. `null`: never. */
  async lastAt(userId: string, actions: readonly AuditAction[]): Promise<number | null> {
    const row = await db
      .selectFrom("audit_log")
      .select("at")
      .where("user_id", "=", userId)
      .where("action", "in", actions)
      .where("outcome", "=", "done")
      .orderBy("at", "desc")
      .limit(1)
      .executeTakeFirst();
    return row?.at ?? null;
  },

  /** Entries of one user or of all from `since` on, oldest first. `after`: only later ones. */
  async page({ userId, since, after, limit }: AuditPage): Promise<AuditEntry[]> {
    const rows = await db
      .selectFrom("audit_log")
      .selectAll()
      .where("at", ">=", since)
      .$if(userId !== undefined, (query) => query.where("user_id", "=", userId ?? ""))
      .$if(after !== null, (query) =>
        query.where(({ eb, refTuple, tuple }) => eb(refTuple("at", "id"), ">", tuple(after?.at ?? 0, after?.id ?? ""))),
      )
      .orderBy("at")
      .orderBy("id")
      .limit(limit)
      .execute();
    return rows.map(entryFromRow);
  },
});

/** Without a transaction, nothing keeps the account from being deleted meanwhile. Its entries must not name it then. */
const unlessDeleted = (db: Db, userId: string | null) =>
  // The same query without an account: the time must not tell whether there is one (OWASP ASVS 6.3.8).
  db
    .selectFrom("users")
    .select("id")
    .where("id", "=", userId ?? "");

const engineActions: ReadonlySet<string> = new Set(auditActions);

/** @throws TypeError when an entry claims to be one of the engine's */
export const createAppAudit = (audit: Audit): AppAudit => ({
  async record(entry, transaction) {
    if (engineActions.has(entry.action))
      throw new TypeError(`The audit action ${entry.action} is the engine's. Give the app's action another name.`);
    await audit.record({ ...entry, action: entry.action as AuditAction }, transaction);
  },
});

const entryFromRow = (row: Selectable<AuditLogTable>): AuditEntry => ({
  id: row.id,
  at: row.at,
  // Rows of earlier versions say `application`. The log is append-only, so they are converted here.
  action: row.action.replace(/^application\.(?=(register|update|verify|rotate_secret|delete)$)/, "client."),
  outcome: row.outcome as AuditEntry["outcome"],
  userId: row.user_id,
  sessionId: row.session_id,
  detail: JSON.parse(row.detail) as Record<string, unknown>,
  source: { address: row.address, userAgent: row.user_agent, requestId: row.request_id },
});
