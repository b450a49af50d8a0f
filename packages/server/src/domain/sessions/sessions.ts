// Owns sessions: one row for each sign-in to a first-party client, from its start through every refresh to its end. The
// format of refresh tokens: `refresh-tokens.ts`.
//
// Rotation is one conditional UPDATE: only the request whose update returns a row advances the session. A generation
// that was replaced within the grace window gets the current token, computed again. One that was replaced earlier was
// stolen, from us or from the client, and ends the session (RFC 9700 §4.14.2).

import type { SessionEndReason, SessionView, User } from "@lockstep/kit";
import type { Selectable } from "kysely";
import type { Db } from "../../db/database.ts";
import { lookup } from "../../db/lookup.ts";
import { prepared } from "../../db/prepared.ts";
import type { SessionsTable } from "../../db/schema.ts";
import { userColumns, userFromJoin } from "../accounts/users.ts";
import { mergedFactors, type ProvedFactor, provedAt, provedFactors, storedFactors } from "../factors/assurance.ts";
import type { FactorPolicy } from "../factors/factor-policy.ts";
import type { Audit, AuditAction, Source } from "../kernel/audit.ts";
import { DomainError } from "../kernel/domain-error.ts";
import { type Now, type Random, randomId } from "../kernel/environment.ts";
import type { Secrets } from "../kernel/secrets.ts";
import { isOurs, parseRefreshToken, refreshTokenOf } from "./refresh-tokens.ts";
import type { SessionEvents } from "./session-events.ts";

export interface SessionLimits {
  /** How long a session lasts without a refresh. */
  readonly idleSeconds: number;
  /** The longest lifetime of a session. */
  readonly lifetimeSeconds: number;
  /** How long a replaced refresh token still gets the current one. */
  readonly graceSeconds: number;
}

export interface Session {
  readonly id: string;
  readonly userId: string;
  /** When the person last proved who they are, with a factor that signs in: epoch milliseconds. */
  readonly authenticatedAt: number;
  /** What they proved it with, as `factors/assurance.ts` reads it. `null`: a session of an earlier version. */
  readonly factors: string | null;
  /** The scopes that the session was narrowed to at sign-in. `null`: not narrowed. */
  readonly scopes: readonly string[] | null;
}

export interface RefreshedSession {
  readonly session: Session;
  readonly refreshToken: string;
  /** When the refresh token expires: epoch milliseconds. */
  readonly expiresAt: number;
}

export interface StartOptions {
  /** The scopes that the session is narrowed to. Default: not narrowed. */
  readonly scopes?: readonly string[] | null;
  /** What the person proved who they are with. */
  readonly factors: readonly ProvedFactor[];
  /**
   * A live session of the same user that this one continues, and that ends: its factors still count, and its absolute
   * lifetime does not start again.
   */
  readonly continues?: Pick<Session, "id"> | null;
  /** The session that the same browser had before. It ends: the browser forgets its token, and nobody else has it. */
  readonly replaces?: Pick<Session, "id" | "userId"> | null;
  /** For the audit log: how they signed in. */
  readonly detail?: Record<string, unknown>;
}

/** A session that was written and is not yet announced. */
export interface StartedSession extends RefreshedSession {
  /** Publishes the events. Call it when the transaction is committed. */
  readonly announce: () => void;
}

/** Which sessions of a user end: these, or all of them, except one if given. */
export type EndingSessions = { readonly only: readonly string[] } | { readonly except: string | null };

/** Sessions that were ended and whose end is not yet announced. */
export interface EndedSessions {
  readonly count: number;
  /** Publishes the events. Call it when the transaction is committed. */
  readonly announce: () => void;
}

export interface SessionsOptions {
  readonly db: Db;
  readonly now: Now;
  readonly random: Random;
  readonly secrets: Secrets;
  readonly audit: Audit;
  readonly events: SessionEvents;
  readonly limits: SessionLimits;
  /** Who needs a second factor. */
  readonly policy: Pick<FactorPolicy, "endsSession">;
}

export type Sessions = ReturnType<typeof createSessions>;

type Row = Selectable<SessionsTable>;

/** The columns that a refresh writes. `next` is the generation after the one that was read. */
type AdvancedRow = Pick<
  Row,
  "id" | "generation" | "replaced" | "last_seen_at" | "idle_expires_at" | "address" | "user_agent"
> & { next: number };

/**
 * The most generations that one session may replace within the grace window; it bounds the size of the row. Beyond it,
 * a refresh returns the same token again. Any remembered generation returns that token anyway, so a thief gains
 * nothing, and a client that refreshes very often keeps its session.
 */
const maxReplaced = 16;

/**
 * A refresh is due this long after the last one, or after half of the idle time if that is less: about as often as a
 * browser refreshes.
 */
const refreshDueSeconds = 10 * 60;

/** Reads the row again after losing a race; each loss means that another refresh succeeded. */
const maxAttempts = 5;

export const createSessions = ({ db, now, random, secrets, audit, events, limits, policy }: SessionsOptions) => {
  const graceMs = limits.graceSeconds * 1000;
  const idleExpiry = (row: Pick<Row, "expires_at">) => Math.min(now() + limits.idleSeconds * 1000, row.expires_at);

  const refreshed = (row: Row, generation: number, expiresAt: number): RefreshedSession => ({
    session: sessionFromRow(row),
    refreshToken: refreshTokenOf(secrets, { sessionId: row.id, seed: row.seed }, generation),
    expiresAt,
  });

  const read = lookup(db, (asked) =>
    db
      .selectFrom(asked.as("asked"))
      .innerJoin("sessions", "sessions.id", "asked.value")
      .innerJoin("users", "users.id", "sessions.user_id")
      .select([
        "asked.value as key",
        ...userColumns,
        "sessions.authenticated_at",
        "sessions.factors",
        "sessions.scopes",
        "sessions.ended_at",
        "sessions.end_reason",
        "sessions.expires_at",
        "sessions.idle_expires_at",
      ]),
  );

  const readForRefresh = prepared(db, ({ id }: { id: string }) =>
    db
      .selectFrom("sessions")
      .innerJoin("users", "users.id", "sessions.user_id")
      .selectAll("sessions")
      .select([...userColumns, "users.factor_required", "users.factor_due_at"])
      .where("sessions.id", "=", id),
  );

  const advance = prepared(db, (row: AdvancedRow) =>
    db
      .updateTable("sessions")
      .set({
        generation: row.next,
        replaced: row.replaced,
        last_seen_at: row.last_seen_at,
        idle_expires_at: row.idle_expires_at,
        address: row.address,
        user_agent: row.user_agent,
      })
      .where("id", "=", row.id)
      .where("generation", "=", row.generation)
      .where("ended_at", "is", null)
      .returning("generation"),
  );

  /**
   * The live session of a refresh token that is current, or was replaced within the grace window. Any other token that we
   * made ends its session. So does a refresh once the user has to add a second factor.
   * @throws DomainError `SESSION_ENDED`; reason `unknown` for every token that this service did not make
   */
  const verifyRefreshToken = async (refreshToken: string, source: Source) => {
    const token = parseRefreshToken(refreshToken);
    if (!token) throw new DomainError("SESSION_ENDED", { reason: "unknown" });
    const [row] = await readForRefresh({ id: token.sessionId });
    // The token is not ours: say nothing about the session, and do nothing.
    if (!row || !isOurs(secrets, token, row.seed)) throw new DomainError("SESSION_ENDED", { reason: "unknown" });
    const reason = endOf(row, now());
    if (reason) throw new DomainError("SESSION_ENDED", { reason });
    // Ours, but of a generation that this database has never reached: it was restored from an older backup.
    if (token.generation > row.generation) throw new DomainError("SESSION_ENDED", { reason: "unknown" });

    const replaced = (JSON.parse(row.replaced) as [generation: number, at: number][]).filter(
      ([, at]) => now() - at <= graceMs,
    );
    const isCurrent = token.generation === row.generation;
    if (!isCurrent && !replaced.some(([generation]) => generation === token.generation)) {
      await end(row.user_id, { only: [row.id] }, "reused", source); // RFC 9700 §4.14.2
      throw new DomainError("SESSION_ENDED", { reason: "reused" });
    }
    const user = userFromJoin(row);
    const subject = { user, factorRequired: row.factor_required === 1, factorDueAt: row.factor_due_at };
    if (await policy.endsSession(db, subject, sessionFromRow(row))) {
      await end(row.user_id, { only: [row.id] }, "factor_required", source);
      throw new DomainError("SESSION_ENDED", { reason: "factor_required" });
    }
    return { row, user, replaced, isCurrent };
  };

  /** Ends sessions within the transaction of what ends them, with one audit entry each. */
  const endWithin = async (
    transaction: Db,
    userId: string,
    which: EndingSessions,
    reason: SessionEndReason,
    source: Source,
  ): Promise<EndedSessions> => {
    if ("only" in which && which.only.length === 0) return { count: 0, announce() {} };
    const rows = await transaction
      .updateTable("sessions")
      .set({ ended_at: now(), end_reason: reason })
      .where("user_id", "=", userId)
      .where("ended_at", "is", null)
      .where((eb) => {
        if ("only" in which) return eb("id", "in", which.only);
        return which.except === null ? eb.lit(true) : eb("id", "!=", which.except);
      })
      .returning("id")
      .execute();
    const action = actionOf(reason);
    const entries = rows.map(({ id }) => ({ action, userId, sessionId: id, detail: { reason }, source }));
    await audit.recordAll(entries, transaction);
    return {
      count: rows.length,
      announce() {
        for (const { id } of rows) events.publish(userId, { type: "session_ended", sessionId: id, reason });
      },
    };
  };

  /** Like `endWithin`, in a transaction of its own. Returns how many sessions it ended. */
  const end = async (
    userId: string,
    which: EndingSessions,
    reason: SessionEndReason,
    source: Source,
  ): Promise<number> => {
    const ended = await db
      .transaction()
      .execute((transaction) => endWithin(transaction, userId, which, reason, source));
    ended.announce();
    return ended.count;
  };

  /** The row of a session. @throws DomainError `INVALID_TOKEN` when it has ended meanwhile */
  const liveRowWithin = async (transaction: Db, userId: string, sessionId: string): Promise<Row> => {
    const row = await transaction
      .selectFrom("sessions")
      .selectAll()
      .where("id", "=", sessionId)
      .where("user_id", "=", userId)
      .executeTakeFirst();
    if (!row || endOf({ ...row, disabled: 0 }, now())) throw new DomainError("INVALID_TOKEN");
    return row;
  };

  /** Starts a new session within the transaction that checks the proof of who the person is. Never reuses a session. */
  const startWithin = async (
    transaction: Db,
    userId: string,
    source: Source,
    { factors, continues = null, scopes = null, replaces = null, detail = {} }: StartOptions,
  ): Promise<StartedSession> => {
    const startedAt = now();
    const before = continues && (await liveRowWithin(transaction, userId, continues.id));
    const expiresAt = before?.expires_at ?? startedAt + limits.lifetimeSeconds * 1000;
    const proved = factors.map((factor) => ({ ...factor, at: Math.min(factor.at, startedAt) }));
    const all = before ? mergedFactors(provedFactors(sessionFromRow(before)), proved) : proved;
    const row: Row = {
      id: randomId(random),
      user_id: userId,
      created_at: startedAt,
      authenticated_at: provedAt(all, "1fa") ?? 0,
      factors: storedFactors(all),
      last_seen_at: startedAt,
      idle_expires_at: idleExpiry({ expires_at: expiresAt }),
      expires_at: expiresAt,
      ended_at: null,
      end_reason: null,
      seed: Buffer.from(random(20)).toString("base64url"),
      generation: 0,
      replaced: "[]",
      scopes: scopes?.join(" ") ?? null,
      address: source.address,
      user_agent: source.userAgent,
    };
    await transaction.insertInto("sessions").values(row).execute();
    const action = before ? "session.step_up" : "sign_in";
    await audit.record({ action, userId, sessionId: row.id, detail, source }, transaction);
    const ending = before ? { id: before.id, userId } : replaces;
    const endReplaced =
      ending && (await endWithin(transaction, ending.userId, { only: [ending.id] }, "signed_out", source));
    return {
      ...refreshed(row, 0, row.idle_expires_at),
      announce() {
        endReplaced?.announce();
        events.publish(userId, { type: "signed_in", session: viewOf(row) });
      },
    };
  };

  return {
    startWithin,
    endWithin,

    /**
     * The next refresh token. Of concurrent calls with the same token, one advances the session, and the others get the
     * same successor.
     * @throws DomainError `SESSION_ENDED`; reason `unknown` for every token that this service did not make
     */
    async refresh(refreshToken: string, source: Source): Promise<RefreshedSession & { user: User }> {
      for (let attempt = 0; attempt < maxAttempts; attempt++) {
        const { row, user, replaced, isCurrent } = await verifyRefreshToken(refreshToken, source);
        if (!isCurrent || replaced.length >= maxReplaced) {
          return { ...refreshed(row, row.generation, row.idle_expires_at), user };
        }

        const [advanced] = await advance({
          id: row.id,
          generation: row.generation,
          next: row.generation + 1,
          replaced: JSON.stringify([...replaced, [row.generation, now()]]),
          last_seen_at: now(),
          idle_expires_at: idleExpiry(row),
          address: source.address,
          user_agent: source.userAgent,
        });
        if (advanced) return { ...refreshed(row, advanced.generation, idleExpiry(row)), user };
      }
      throw new Error("The session was refreshed concurrently too often");
    },

    /**
     * The session of a refresh token, without a refresh: the token stays valid, and nothing is written. A token that
     * `refresh` would take for stolen ends the session here too.
     * @returns `refreshDue`: whether the token should be refreshed now, because it was replaced, or is the current one for
     * some minutes
     * @throws DomainError `SESSION_ENDED`, as `refresh`
     */
    async readByRefreshToken(
      refreshToken: string,
      source: Source,
    ): Promise<{ session: Session; user: User; refreshDue: boolean }> {
      const { row, user, isCurrent } = await verifyRefreshToken(refreshToken, source);
      const dueAt = row.last_seen_at + Math.min(refreshDueSeconds, limits.idleSeconds / 2) * 1000;
      return { session: sessionFromRow(row), user, refreshDue: !isCurrent || now() >= dueAt };
    },

    /** A session as it is within a transaction. @throws DomainError `INVALID_TOKEN` when it has ended meanwhile */
    liveWithin: async (transaction: Db, userId: string, sessionId: string): Promise<Session> =>
      sessionFromRow(await liveRowWithin(transaction, userId, sessionId)),

    /** Adds a factor that the person proved within a session, such as one that they just added. */
    async proveWithin(transaction: Db, sessionId: string, proved: ProvedFactor): Promise<void> {
      const row = await transaction.selectFrom("sessions").selectAll().where("id", "=", sessionId).executeTakeFirst();
      if (!row) return;
      const factors = mergedFactors(provedFactors(sessionFromRow(row)), [proved]);
      await transaction
        .updateTable("sessions")
        .set({ factors: storedFactors(factors), authenticated_at: provedAt(factors, "1fa") ?? 0 })
        .where("id", "=", sessionId)
        .execute();
    },

    /**
     * Takes the proof of a factor that was removed from one session of its user, and returns the IDs of the other live
     * sessions that it was proved in.
     */
    async withdrawFactorWithin(
      transaction: Db,
      userId: string,
      factorId: string,
      sessionId: string,
    ): Promise<string[]> {
      const rows = await transaction
        .selectFrom("sessions")
        .selectAll()
        .where("user_id", "=", userId)
        .where("ended_at", "is", null)
        .where("factors", "is not", null)
        .execute();
      const proved = rows.map((row) => ({ id: row.id, factors: provedFactors(sessionFromRow(row)) }));
      const concerned = proved.filter(({ factors }) => factors.some((factor) => factor.factorId === factorId));
      const own = concerned.find(({ id }) => id === sessionId);
      if (own) {
        const left = own.factors.filter((factor) => factor.factorId !== factorId);
        await transaction
          .updateTable("sessions")
          .set({ factors: storedFactors(left), authenticated_at: provedAt(left, "1fa") ?? 0 })
          .where("id", "=", sessionId)
          .execute();
      }
      return concerned.map(({ id }) => id).filter((id) => id !== sessionId);
    },

    /** The session and its user at this moment. `null`: ended, expired, or the user is disabled. */
    async findLive(id: string): Promise<{ session: Session; user: User } | null> {
      const row = await read(id);
      if (!row || endOf(row, now())) return null;
      return { session: sessionFromRow({ ...row, id: row.key }), user: userFromJoin(row) };
    },

    /** The session of a refresh token, current or replaced, that has not ended. Changes nothing. */
    async findByRefreshToken(refreshToken: string | null): Promise<Session | null> {
      const token = refreshToken === null ? null : parseRefreshToken(refreshToken);
      if (!token) return null;
      const row = await db.selectFrom("sessions").selectAll().where("id", "=", token.sessionId).executeTakeFirst();
      return row && row.ended_at === null && isOurs(secrets, token, row.seed) ? sessionFromRow(row) : null;
    },

    /** Why a session has ended; `null`: it is live. */
    async endReason(id: string): Promise<SessionEndReason | null> {
      const row = await read(id);
      return row ? endOf(row, now()) : "unknown";
    },

    /** A user's live sessions, the last seen first. */
    async list(userId: string): Promise<SessionView[]> {
      const rows = await liveSessions(db, now())
        .selectAll("sessions")
        .where("user_id", "=", userId)
        .orderBy("last_seen_at", "desc")
        .orderBy("sessions.id")
        .execute();
      return rows.map(viewOf);
    },

    /** Ends one session of a user. `false`: they have no such live session. */
    end: async (userId: string, sessionId: string, reason: SessionEndReason, source: Source): Promise<boolean> =>
      (await end(userId, { only: [sessionId] }, reason, source)) > 0,

    /** Ends all sessions of a user, except one if given, and returns how many. */
    endAllOf: (
      userId: string,
      reason: SessionEndReason,
      source: Source,
      { except = null }: { except?: string | null } = {},
    ): Promise<number> => end(userId, { except }, reason, source),

    /** Deletes up to `limit` sessions that can never be used again, and returns how many. */
    async deleteExpired(limit: number): Promise<number> {
      const { numDeletedRows } = await db
        .deleteFrom("sessions")
        .where("id", "in", (query) =>
          query.selectFrom("sessions").select("id").where("expires_at", "<=", now()).limit(limit),
        )
        .executeTakeFirst();
      return Number(numDeletedRows);
    },
  };
};

/** Sessions that have not ended or expired, of users who are not disabled: what `endOf` says, for queries. */
export const liveSessions = (db: Db, at: number) =>
  db
    .selectFrom("sessions")
    .innerJoin("users", "users.id", "sessions.user_id")
    .where("sessions.ended_at", "is", null)
    .where("sessions.expires_at", ">", at)
    .where("sessions.idle_expires_at", ">", at)
    .where("users.disabled", "=", 0);

const actionOf = (reason: SessionEndReason): AuditAction => {
  if (reason === "signed_out" || reason === "provider_signed_out") return "sign_out";
  return reason === "reused" ? "session.reuse" : "session.revoke";
};

const endOf = (
  row: Pick<Row, "ended_at" | "end_reason" | "expires_at" | "idle_expires_at"> & { disabled: 0 | 1 },
  at: number,
) => {
  if (row.ended_at !== null) return (row.end_reason ?? "revoked") as SessionEndReason;
  if (row.disabled === 1) return "disabled";
  return row.expires_at <= at || row.idle_expires_at <= at ? "expired" : null;
};

const sessionFromRow = (row: Pick<Row, "id" | "user_id" | "authenticated_at" | "factors" | "scopes">): Session => ({
  id: row.id,
  userId: row.user_id,
  authenticatedAt: row.authenticated_at,
  factors: row.factors,
  scopes: row.scopes === null ? null : row.scopes.split(" ").filter(Boolean),
});

const viewOf = (row: Row): SessionView => ({
  id: row.id,
  address: row.address,
  userAgent: row.user_agent,
  createdAt: row.created_at,
  lastSeenAt: row.last_seen_at,
});
