// Owns a sign-in at an identity provider between leaving and coming back: its parameters, encrypted in a cookie of the
// browser that began it, for ten minutes, used once (RFC 9700 §2.1.1, §4.7). Each transaction has its own cookie, so
// that two tabs do not interfere.

import type { FastifyReply, FastifyRequest } from "fastify";
import { type Random, randomId } from "../domain/kernel/environment.ts";
import type { Sealed } from "../domain/kernel/sealed.ts";
import type { SpentIds } from "../domain/kernel/spent-ids.ts";

export interface Transaction {
  readonly provider: string;
  /** Also the end of its cookie's name. */
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  readonly fresh: boolean;
  /** A path of this server. */
  readonly returnTo: string;
  /** The session that the new one replaces in this browser. */
  readonly replaces: { readonly id: string; readonly userId: string } | null;
  /** The browser's device token, whose cookie is not sent when it comes back from another site. */
  readonly deviceToken: string | null;
  /** The secret in the browser's cookie of proofs, likewise. */
  readonly secret: string | null;
  /** The session that asked for the identity to be linked. `null`: a sign-in. */
  readonly link: { readonly id: string; readonly userId: string } | null;
}

const lifetimeSeconds = 10 * 60;

/**
 * Unfinished transactions of one browser. With more, all of them are dropped, before the header exceeds what servers
 * accept.
 */
const maxPending = 4;

const State = /^[\w-]{22}$/;

/** The cookies of transactions, by their `state`. `http/cookies.ts` owns them. */
export interface TransactionCookies {
  pending(request: FastifyRequest): readonly string[];
  read(request: FastifyRequest, state: string): string | null;
  set(reply: FastifyReply, state: string, value: string, lifetimeSeconds: number): void;
  clear(reply: FastifyReply, state: string): void;
}

export const createTransactions = ({
  sealed,
  spentIds,
  random,
  cookies,
}: {
  sealed: Sealed;
  spentIds: SpentIds;
  random: Random;
  cookies: TransactionCookies;
}) => ({
  /** A new transaction. `keep` stores it in the browser. */
  create: (
    asked: Pick<Transaction, "provider" | "fresh" | "returnTo" | "replaces" | "deviceToken" | "secret" | "link">,
  ): Transaction => ({
    ...asked,
    state: randomId(random),
    nonce: randomId(random),
    codeVerifier: Buffer.from(random(32)).toString("base64url"),
  }),

  async keep(transaction: Transaction, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const pending = cookies.pending(request);
    if (pending.length >= maxPending) for (const state of pending) cookies.clear(reply, state);
    const value = await sealed.seal("login-transactions", transaction, lifetimeSeconds);
    cookies.set(reply, transaction.state, value, lifetimeSeconds);
  },

  /**
   * The transaction of a response with this state, once. `null`: this browser has none. When the database is
   * unavailable, the browser keeps it, so that the same response can be tried again.
   */
  async end(state: unknown, request: FastifyRequest, reply: FastifyReply): Promise<Transaction | null> {
    if (typeof state !== "string" || !State.test(state)) return null;
    const value = cookies.read(request, state);
    if (value === null) return null;
    const transaction = await sealed.open<Transaction>("login-transactions", value);
    const isOurs = transaction?.state === state && (await spentIds.spend("login", state, lifetimeSeconds));
    cookies.clear(reply, state);
    return isOurs ? transaction : null;
  },
});
