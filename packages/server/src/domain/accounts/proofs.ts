// Owns proofs: a code and a link that are sent to an address, and show that the person who asked receives its mail
// (OWASP ASVS 6.5, 6.6). A proof works once, for a few minutes, and only for the browser or the client that asked. The
// link is read, never spent, by opening it: mail scanners open links. Who asks for proofs: `registration.ts`,
// `recovery.ts`, `email-change.ts`.

import { createHash } from "node:crypto";
import {
  ProofPurpose,
  type ProofRefusalReason,
  type ProofView,
  proofCodeLength,
  proofCodeLetters,
} from "@lockstep/kit";
import type { Selectable } from "kysely";
import type { Db } from "../../db/database.ts";
import type { ProofsTable } from "../../db/schema.ts";
import { DomainError } from "../kernel/domain-error.ts";
import { type Now, type Random, randomId } from "../kernel/environment.ts";
import type { Secrets } from "../kernel/secrets.ts";

/** OWASP ASVS 6.5.5: ten minutes at most. */
export const proofLifetimeSeconds = 10 * 60;

/** Wrong codes that a proof survives, and one more. */
const maxTries = 5;

/** What needs a link only, which works in any browser. */
type LinkPurpose = Extract<ProofPurpose, "email_undo" | "deletion_cancel">;
const linkPurposes: ReadonlySet<string> = new Set<LinkPurpose>(["email_undo", "deletion_cancel"]);

export interface NewProof {
  readonly purpose: ProofPurpose;
  /** What was typed, from `asked`. An earlier proof of the same text, or of the account, is cancelled. */
  readonly asked: string;
  /** `null`: there is no account, or not yet. */
  readonly userId: string | null;
  /** The address that it is sent to. `null`: none, since no account has the name that was typed. */
  readonly email: string | null;
  /** The secret in the cookie of the browser that asks. `null`: a client without cookies, which keeps the ID secret. */
  readonly browser: string | null;
}

/** A proof that was just issued, with what the mail contains. */
export interface IssuedProof {
  readonly id: string;
  readonly code: string;
  readonly secret: string;
}

export interface Proof extends Pick<NewProof, "purpose" | "asked" | "userId" | "email"> {
  readonly id: string;
  /** Whether a browser asked for it, which is recognised by its cookie. */
  readonly browserBound: boolean;
  /** Epoch milliseconds. */
  readonly createdAt: number;
}

type Row = Selectable<ProofsTable>;

export type Proofs = ReturnType<typeof createProofs>;

export const createProofs = ({ db, now, random, secrets }: { db: Db; now: Now; random: Random; secrets: Secrets }) => {
  const insert = async (
    transaction: Db,
    { purpose, asked, userId, email, browser }: NewProof,
    { lifetimeSeconds, tries }: { lifetimeSeconds: number; tries: number },
  ): Promise<IssuedProof> => {
    const id = randomId(random);
    const secret = Buffer.from(random(20)).toString("base64url");
    const code = codeOf(secret);
    await transaction
      .insertInto("proofs")
      .values({
        id,
        purpose,
        asked,
        user_id: userId,
        email,
        code_mac: secrets.mac("proofs", codeText(id, code)),
        link_hash: sha256(secret),
        browser_hash: browser === null ? null : sha256(browser),
        tries_left: tries,
        ended: null,
        created_at: now(),
        expires_at: now() + lifetimeSeconds * 1000,
      })
      .execute();
    return { id, code, secret };
  };

  /** @throws DomainError `PROOF_REFUSED` when it is not open */
  const open = <R extends Row>(row: R | undefined): R => {
    const reason = row ? closedReason(row, now()) : "expired";
    if (row === undefined || reason !== null) throw proofRefused(reason ?? "expired");
    return row;
  };

  const findByLink = (secret: string) =>
    db
      .selectFrom("proofs")
      .leftJoin("deletions", (join) =>
        join.onRef("deletions.user_id", "=", "proofs.user_id").on("proofs.purpose", "=", "deletion_cancel"),
      )
      .selectAll("proofs")
      .select("deletions.deletes_at")
      .where("link_hash", "=", sha256(secret))
      .executeTakeFirst();

  return {
    /** A secret for the cookie of a browser. */
    newBrowserSecret: (): string => randomId(random),

    /** A MAC of what somebody typed to ask for a proof: the database contains none of the names that were tried. */
    asked: (purpose: ProofPurpose, text: string): string => secrets.mac("proofs", askedText(purpose, text)),

    /** Every form in which a text that was typed can be stored. */
    askedOf: (text: string): string[] =>
      ProofPurpose.options.flatMap((purpose) => secrets.macs("proofs", askedText(purpose, text))),

    /** Issues a proof, and cancels the earlier ones. The caller has locked what it is about. */
    async issueWithin(transaction: Db, proof: NewProof): Promise<IssuedProof> {
      await transaction
        .updateTable("proofs")
        .set({ ended: "cancelled" })
        .where("purpose", "=", proof.purpose)
        .where("ended", "is", null)
        .where((eb) => eb.or([eb("asked", "=", proof.asked), eb("user_id", "=", proof.userId ?? "")]))
        .execute();
      return insert(transaction, proof, { lifetimeSeconds: proofLifetimeSeconds, tries: maxTries });
    },

    /** Issues a link without a code, which works in any browser and for longer. */
    issueLinkWithin: (
      transaction: Db,
      proof: Omit<NewProof, "browser">,
      lifetimeSeconds: number,
    ): Promise<IssuedProof> => insert(transaction, { ...proof, browser: null }, { lifetimeSeconds, tries: 0 }),

    /**
     * Checks a code. A wrong one costs a try, also when many are sent at once. A right one spends nothing yet: whatever
     * the proof is for spends it, with `spendWithin`.
     * @param purposes what the proof may be for
     * @param browser the secret in the cookie of the browser that sends the code
     * @throws DomainError `PROOF_REFUSED`
     */
    async check(
      { proofId, code, browser }: { proofId: string; code: string; browser: string | null },
      ...purposes: readonly ProofPurpose[]
    ): Promise<Proof> {
      const outcome = await db.transaction().execute(async (transaction) => {
        // Locks the row until the try is counted.
        const row = await transaction
          .updateTable("proofs")
          .set({ id: proofId })
          .where("id", "=", proofId)
          .where("purpose", "in", purposes)
          .returningAll()
          .executeTakeFirst();
        if (row === undefined) return { reason: "expired" as const, triesLeft: 0 };
        // Another browser learns nothing else about it, and cannot use up its tries.
        if (!isBrowser(row, browser)) return { reason: "other_browser" as const, triesLeft: 0 };
        const reason = closedReason(row, now()) ?? (row.tries_left > 0 ? null : "too_many_tries");
        if (reason !== null) return { reason, triesLeft: 0 };
        if (secrets.verifyMac("proofs", codeText(row.id, code), row.code_mac)) return proofOf(row);
        const triesLeft = row.tries_left - 1;
        await transaction.updateTable("proofs").set({ tries_left: triesLeft }).where("id", "=", row.id).execute();
        return { reason: "wrong_code" as const, triesLeft };
      });
      if ("reason" in outcome) throw new DomainError("PROOF_REFUSED", outcome);
      return outcome;
    },

    /**
     * Spends a proof, in the transaction of what it is for. Of concurrent callers, one succeeds.
     * @throws DomainError `PROOF_REFUSED`
     */
    async spendWithin(transaction: Db, id: string): Promise<void> {
      const spent = await transaction
        .updateTable("proofs")
        .set({ ended: "used" })
        .where("id", "=", id)
        .where("ended", "is", null)
        .where("expires_at", ">", now())
        .returning("id")
        .executeTakeFirst();
      if (spent) return;
      const row = await transaction.selectFrom("proofs").selectAll().where("id", "=", id).executeTakeFirst();
      throw proofRefused(row?.ended ?? "expired");
    },

    /**
     * The open proof of this ID, for sending it again.
     * @throws DomainError `PROOF_REFUSED`
     */
    async find(id: string, browser: string | null): Promise<Proof> {
      const row = await db.selectFrom("proofs").selectAll().where("id", "=", id).executeTakeFirst();
      if (row && !isBrowser(row, browser)) throw proofRefused("other_browser");
      return proofOf(open(row));
    },

    /**
     * What a link opens, in any browser. Changes nothing.
     * @throws DomainError `PROOF_REFUSED`
     */
    async read(secret: string, browser: string | null): Promise<ProofView> {
      const row = open(await findByLink(secret));
      const hasCode = !linkPurposes.has(row.purpose);
      if (hasCode && row.tries_left <= 0) throw proofRefused("too_many_tries");
      return {
        purpose: row.purpose as ProofPurpose,
        email: row.email ?? "",
        code: hasCode ? codeOf(secret) : null,
        proofId: row.browser_hash !== null && isBrowser(row, browser) ? row.id : null,
        expiresAt: row.expires_at,
        deletesAt: row.deletes_at,
      };
    },

    /**
     * The open proof of a link that needs no code. `spendWithin` spends it.
     * @throws DomainError `PROOF_REFUSED`
     */
    async checkLink(secret: string, purpose: LinkPurpose): Promise<Proof> {
      const row = open(await findByLink(secret));
      if (row.purpose !== purpose) throw proofRefused("expired");
      return proofOf(row);
    },

    /**
     * Cancels the open proofs of an account, in the transaction of what makes them obsolete.
     * @param since only those that were issued from then on: epoch milliseconds
     */
    async cancelWithin(transaction: Db, userId: string, purposes: readonly ProofPurpose[], since = 0): Promise<void> {
      await transaction
        .updateTable("proofs")
        .set({ ended: "cancelled" })
        .where("user_id", "=", userId)
        .where("purpose", "in", purposes)
        .where("created_at", ">=", since)
        .where("ended", "is", null)
        .execute();
    },

    /** The addresses that can still undo a change of the account's address, with the last moment of each. */
    undoAddresses: async (userId: string, transaction: Db): Promise<{ email: string; expiresAt: number }[]> => {
      const rows = await transaction
        .selectFrom("proofs")
        .select(["email", "expires_at"])
        .where("user_id", "=", userId)
        .where("purpose", "=", "email_undo")
        .where("ended", "is", null)
        .where("expires_at", ">", now())
        .execute();
      return rows.flatMap(({ email, expires_at }) => (email === null ? [] : [{ email, expiresAt: expires_at }]));
    },

    /** Deletes up to `limit` proofs that have expired, and returns how many. */
    async deleteExpired(limit: number): Promise<number> {
      const { numDeletedRows } = await db
        .deleteFrom("proofs")
        .where("id", "in", (query) =>
          query.selectFrom("proofs").select("id").where("expires_at", "<=", now()).limit(limit),
        )
        .executeTakeFirst();
      return Number(numDeletedRows);
    },
  };
};

/** Without tries left: there is nothing to try again. */
const proofRefused = (reason: ProofRefusalReason) => new DomainError("PROOF_REFUSED", { reason, triesLeft: 0 });

const isBrowser = ({ browser_hash }: Row, browser: string | null): boolean =>
  browser_hash === null || (browser !== null && sha256(browser) === browser_hash);

/** Why a proof cannot be used any more, whatever the code. `null`: it can. */
const closedReason = (row: Row, at: number): ProofRefusalReason | null =>
  row.ended ?? (row.expires_at <= at ? "expired" : null);

const proofOf = (row: Row): Proof => ({
  id: row.id,
  purpose: row.purpose as ProofPurpose,
  asked: row.asked,
  userId: row.user_id,
  email: row.email,
  browserBound: row.browser_hash !== null,
  createdAt: row.created_at,
});

const sha256 = (text: string) => createHash("sha256").update(text).digest("base64url");

const askedText = (purpose: ProofPurpose, text: string) => `asked:${purpose}:${text}`;

/** Bound to its proof, so that equal codes of two proofs have different MACs. */
const codeText = (id: string, code: string) => `code:${id}:${code}`;

/**
 * The code of a link's secret: whoever opens the link in another browser sees it, although it is stored nowhere. The
 * secret has 160 bits, so the code tells nothing about it.
 */
const codeOf = (secret: string): string => {
  let number = BigInt(`0x${createHash("sha256").update(`lockstep:proof-code:${secret}`).digest("hex")}`);
  const letters = BigInt(proofCodeLetters.length);
  return Array.from({ length: proofCodeLength }, () => {
    const letter = proofCodeLetters[Number(number % letters)] ?? "";
    number /= letters;
    return letter;
  }).join("");
};
