// Owns the queue of mails: one row for each, written in the transaction of the change that it tells about. A server
// claims a mail by a conditional UPDATE, with a lease that it renews while it sends, so that any number of servers share
// the queue, and the mail of a server that dies is sent by another. Address and data are sealed, and removed once the
// mail is sent. Sending: `dispatcher.ts`.

import type { Selectable } from "kysely";
import type { Db } from "../../db/database.ts";
import type { MessagesTable } from "../../db/schema.ts";
import { type Audit, background } from "../kernel/audit.ts";
import { type Now, type Random, randomId } from "../kernel/environment.ts";
import type { Sealed } from "../kernel/sealed.ts";
import type { Secrets } from "../kernel/secrets.ts";
import type { Throttle } from "../kernel/throttle.ts";
import { isMailAddress, type Mail, type MailTemplate } from "./mails.ts";

const hour = 60 * 60 * 1000;
const day = 24 * hour;

/** How many mails anybody can have sent to one address within an hour. */
const maxRequestedPerHour = 5;
/** A mail that could not be sent for this long is given up. */
const giveUpAfterMs = day;
/** How long a claim lasts without renewal. A server that dies delays its mails by this time. */
const leaseMs = 60 * 1000;
/** How long rows are kept after they were written, for operators. */
const keptMs = 7 * day;
const keptPayloadSeconds = (keptMs + day) / 1000;
/** The waits after failed attempts: 15 s, 30 s, 1 min … */
const firstWaitMs = 15 * 1000;
const longestWaitMs = hour;
/** Candidates that a claim reads at once: those that other servers claim meanwhile are skipped. */
const candidates = 20;

export const messageStates = ["waiting", "sent", "given_up"] as const;
export type MessageState = (typeof messageStates)[number];

/** A mail as operators see it, without its address and data. */
export interface MessageView {
  readonly id: string;
  readonly template: string;
  readonly userId: string | null;
  readonly state: MessageState;
  readonly attempts: number;
  /** Times in epoch milliseconds. */
  readonly createdAt: number;
  /** The next attempt. `null`: there is none. */
  readonly dueAt: number | null;
  readonly sentAt: number | null;
  /** Why the last attempt failed. */
  readonly failure: string | null;
}

/** A mail that this server sends now. */
export interface ClaimedMail {
  readonly id: string;
  /** `null`: it was sealed under another `SECRET`. */
  readonly mail: Mail | null;
  readonly userId: string | null;
  readonly template: string;
  readonly claim: string;
  readonly attempts: number;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly giveUpAt: number;
}

/** The wait after this many attempts: it doubles, up to an hour. */
export const waitMs = (attempts: number): number => Math.min(firstWaitMs * 2 ** (attempts - 1), longestWaitMs);

type Payload = Pick<Mail, "to" | "data">;

/** The same for every spelling of an address. */
const spelling = (address: string) => address.trim().normalize("NFKC").toLowerCase();

/** Whether nothing may stay of a mail: its account is deleted. */
const isLast = (template: string) => template === ("account_deleted" satisfies MailTemplate);

export type Messages = ReturnType<typeof createMessages>;

export const createMessages = ({
  db,
  now,
  random,
  secrets,
  sealed,
  throttle,
  audit,
  on,
  keepSent,
}: {
  db: Db;
  now: Now;
  random: Random;
  secrets: Secrets;
  sealed: Sealed;
  throttle: Throttle;
  audit: Audit;
  /** Whether this server sends mail at all. */
  on: boolean;
  /** Whether the content of sent mails is kept, to be shown: in development. */
  keepSent: boolean;
}) => {
  const recipientOf = (address: string) => secrets.mac("mail-recipients", spelling(address));

  const write = async ({ to, userId, template, data, expiresAt }: Mail, requested: boolean, transaction: Db) => {
    // Callers check addresses that people type. Nothing else may become a header or a command of SMTP.
    if (!isMailAddress(to)) throw new TypeError("A mail must have one plain e-mail address");
    const payload: Payload = { to, data };
    await transaction
      .insertInto("messages")
      .values({
        id: randomId(random),
        template,
        user_id: userId,
        recipient: recipientOf(to),
        requested: requested ? 1 : 0,
        payload: await sealed.seal("mails", payload, keptPayloadSeconds),
        created_at: now(),
        expires_at: expiresAt ?? null,
        give_up_at: now() + giveUpAfterMs,
        due_at: now(),
        claim: null,
        attempts: 0,
        failure: null,
        sent_at: null,
      })
      .execute();
  };

  const open = async (row: Pick<Row, "template" | "user_id" | "payload">): Promise<Mail | null> => {
    const payload = row.payload && (await sealed.open<Payload>("mails", row.payload));
    if (!payload) return null;
    return { template: row.template, userId: row.user_id, ...payload } as Mail; // as `write` sealed it
  };

  return {
    /** Whether mail is sent at all. Without it, `send` writes nothing, and what needs mail is turned off. */
    on,

    /** The forms in which this address is stored as a recipient. */
    recipientsOf: (address: string): string[] => secrets.macs("mail-recipients", spelling(address)),

    /** The name under which mails to a recipient are counted. */
    limitName: (recipient: string): string => `mail:${recipient}`,

    /** Sends a mail if the transaction is committed. */
    async send(mail: Mail, transaction: Db): Promise<void> {
      if (on) await write(mail, false, transaction);
    },

    /**
     * Sends a mail that anybody can ask for: at most five an hour to one address, however it is written. `false`: the
     * limit is reached, and nothing is written. Answer both alike. Mails about changes of an account are not counted, so
     * that nobody can suppress them.
     */
    async sendRequested(mail: Mail, transaction: Db): Promise<boolean> {
      if (!on) return false;
      const recipient = recipientOf(mail.to);
      // Concurrent requests for one address are counted one after the other.
      await throttle.lock(this.limitName(recipient), transaction);
      const { count } = await transaction
        .selectFrom("messages")
        .select((eb) => eb.fn.countAll<number | string>().as("count"))
        .where("recipient", "=", recipient)
        .where("requested", "=", 1)
        .where("created_at", ">", now() - hour)
        .executeTakeFirstOrThrow();
      if (Number(count) >= maxRequestedPerHour) return false;
      await write(mail, true, transaction);
      return true;
    },

    /** Claims the next mail that is due, for one server only. `null`: none is due. */
    async claim(): Promise<ClaimedMail | null> {
      for (;;) {
        const due = await db
          .selectFrom("messages")
          .select(["id", "due_at"])
          .where("due_at", "<=", now())
          .orderBy("due_at")
          .limit(candidates)
          .execute();
        if (due.length === 0) return null;
        // Servers that read the same candidates start at different ones.
        const start = (random(1)[0] ?? 0) % due.length;
        for (const { id, due_at } of [...due.slice(start), ...due.slice(0, start)]) {
          const row = await db
            .updateTable("messages")
            .set((eb) => ({ claim: randomId(random), due_at: now() + leaseMs, attempts: eb("attempts", "+", 1) }))
            .where("id", "=", id)
            .where("due_at", "=", due_at)
            .returningAll()
            .executeTakeFirst();
          if (row) return { ...claimedFrom(row), mail: await open(row) };
        }
      }
    },

    /** Prolongs the lease of a claim. */
    async renew({ id, claim }: ClaimedMail): Promise<void> {
      await db
        .updateTable("messages")
        .set({ due_at: now() + leaseMs })
        .where("id", "=", id)
        .where("claim", "=", claim)
        .where("due_at", "is not", null)
        .execute();
    },

    /** The mail server accepted the mail. Its content is removed. Whoever has the claim by now: it is sent. */
    async markSent({ id, template }: ClaimedMail): Promise<void> {
      if (isLast(template) && !keepSent) {
        await db.deleteFrom("messages").where("id", "=", id).execute();
        return;
      }
      await db
        .updateTable("messages")
        .set({ sent_at: now(), due_at: null, claim: null, failure: null, ...(!keepSent && { payload: null }) })
        .where("id", "=", id)
        .where("sent_at", "is", null)
        .execute();
    },

    /**
     * An attempt failed. The mail is sent again after a wait, unless the failure is `final` or it has been tried for a
     * day: then it is given up, with an audit entry. Returns whether it is given up.
     */
    async markFailed(
      { id, claim, userId, template, attempts, giveUpAt, expiresAt }: ClaimedMail,
      { reason, final }: { readonly reason: string; readonly final: boolean },
    ): Promise<boolean> {
      const dueAt = now() + waitMs(attempts);
      const givenUp = final || dueAt > giveUpAt || (expiresAt !== null && dueAt >= expiresAt);
      await db.transaction().execute(async (transaction) => {
        const row = await transaction
          .updateTable("messages")
          .set({ due_at: givenUp ? null : dueAt, claim: null, failure: reason })
          .where("id", "=", id)
          .where("claim", "=", claim)
          .returning("id")
          .executeTakeFirst();
        if (!row || !givenUp) return;
        if (isLast(template)) await transaction.deleteFrom("messages").where("id", "=", id).execute();
        const detail = { messageId: id, template, attempts, reason };
        await audit.record({ action: "mail.give_up", userId, detail, source: background }, transaction);
      });
      return givenUp;
    },

    /** Gives a claim back without an attempt: the server shuts down. */
    async release({ id, claim }: ClaimedMail): Promise<void> {
      await db
        .updateTable("messages")
        .set((eb) => ({ due_at: now(), claim: null, attempts: eb("attempts", "-", 1) }))
        .where("id", "=", id)
        .where("claim", "=", claim)
        .execute();
    },

    /** Mails in one state or all, newest first. */
    async list({ state, limit }: { state: MessageState | null; limit: number }): Promise<MessageView[]> {
      const rows = await db
        .selectFrom("messages")
        .selectAll()
        .$if(state === "waiting", (query) => query.where("due_at", "is not", null))
        .$if(state === "sent", (query) => query.where("sent_at", "is not", null))
        .$if(state === "given_up", (query) => query.where("due_at", "is", null).where("sent_at", "is", null))
        .orderBy("created_at", "desc")
        .orderBy("id")
        .limit(limit)
        .execute();
      return rows.map(viewOf);
    },

    /**
     * Sends mails that were given up again, now and for another day, unless they are of no use any more. `id`: only
     * this one, also if it waits for its next attempt. Returns how many.
     */
    async retry(id: string | null = null): Promise<number> {
      const rows = await db
        .updateTable("messages")
        .set({ due_at: now(), claim: null, attempts: 0, give_up_at: now() + giveUpAfterMs })
        .where("sent_at", "is", null)
        .where((eb) => eb.or([eb("expires_at", "is", null), eb("expires_at", ">", now())]))
        .$if(id === null, (query) => query.where("due_at", "is", null))
        .$if(id !== null, (query) => query.where("id", "=", id ?? "").where("claim", "is", null))
        .returning("id")
        .execute();
      return rows.length;
    },

    /** The newest mails that were caught in place of being sent. */
    async caught(limit: number): Promise<{ id: string; mail: Mail; sentAt: number }[]> {
      const rows = await db
        .selectFrom("messages")
        .selectAll()
        .where("sent_at", "is not", null)
        .where("payload", "is not", null)
        .orderBy("created_at", "desc")
        .orderBy("id")
        .limit(limit)
        .execute();
      const opened = await Promise.all(
        rows.map(async (row) => ({ id: row.id, mail: await open(row), sentAt: row.sent_at ?? 0 })),
      );
      return opened.flatMap(({ id, mail, sentAt }) => (mail === null ? [] : [{ id, mail, sentAt }]));
    },

    /** Deletes up to `limit` rows that were written a week ago, and returns how many. */
    /** How many are to be sent, and the age of the oldest one in seconds. */
    async backlog(): Promise<{ waiting: number; oldestSeconds: number }> {
      const { waiting, oldest } = await db
        .selectFrom("messages")
        .select((eb) => [eb.fn.countAll().as("waiting"), eb.fn.min("created_at").as("oldest")])
        .where("due_at", "is not", null)
        .executeTakeFirstOrThrow();
      return { waiting: Number(waiting), oldestSeconds: oldest === null ? 0 : (now() - oldest) / 1000 };
    },

    async deleteOld(limit: number): Promise<number> {
      const { numDeletedRows } = await db
        .deleteFrom("messages")
        .where("id", "in", (query) =>
          query
            .selectFrom("messages")
            .select("id")
            .where("created_at", "<=", now() - keptMs)
            .limit(limit),
        )
        .executeTakeFirst();
      return Number(numDeletedRows);
    },
  };
};

type Row = Selectable<MessagesTable>;

const claimedFrom = (row: Row) => ({
  id: row.id,
  userId: row.user_id,
  template: row.template,
  claim: row.claim ?? "",
  attempts: row.attempts,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  giveUpAt: row.give_up_at,
});

const viewOf = (row: Row): MessageView => ({
  id: row.id,
  template: row.template,
  userId: row.user_id,
  state: row.due_at !== null ? "waiting" : row.sent_at !== null ? "sent" : "given_up",
  attempts: row.attempts,
  createdAt: row.created_at,
  dueAt: row.due_at,
  sentAt: row.sent_at,
  failure: row.failure,
});
