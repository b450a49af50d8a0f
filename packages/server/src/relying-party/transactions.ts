// Owns the time between leaving for a provider and coming back: what was asked for, in a cookie of the browser that
// asked, encrypted, for ten minutes, and used once (RFC 9700 §2.1.1, §4.7).
//
// The cookie comes back on a navigation from the provider's site, so it is SameSite=Lax. Each transaction has one of
// its own, so that two tabs do not spoil each other's.

import type { CookieSerializeOptions } from "@fastify/cookie";
import type { FastifyReply, FastifyRequest } from "fastify";
import { type Random, randomId } from "../domain/kernel/environment.ts";
import type { Sealed } from "../domain/kernel/sealed.ts";
import type { SpentIds } from "../domain/kernel/spent-ids.ts";

export interface Transaction {
  readonly provider: string;
  /** Also what its cookie is called by. */
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  readonly fresh: boolean;
  /** A path of this server. */
  readonly returnTo: string;
  /** The session that the new one takes the place of in this browser. */
  readonly replaces: { readonly id: string; readonly userId: string } | null;
  /** The session that asked for the identity to be linked. `null`: somebody signs in. */
  readonly link: { readonly id: string; readonly userId: string } | null;
}

const lifetimeSeconds = 10 * 60;

/** Begun and never ended, in one browser: with more, all of them are forgotten, before a header grows that no server reads. */
const maxPending = 4;

const State = /^[\w-]{22}$/;

export const createTransactions = ({
  sealed,
  spentIds,
  random,
  publicUrl,
}: {
  sealed: Sealed;
  spentIds: SpentIds;
  random: Random;
  publicUrl: string;
}) => {
  const secure = publicUrl.startsWith("https://");
  const prefix = secure ? "__Host-lockstep-login-" : "lockstep-login-";
  const attributes: CookieSerializeOptions = { httpOnly: true, secure, sameSite: "lax", path: "/" };

  return {
    /** A new transaction; `keep` puts it into the browser. */
    create: (asked: Pick<Transaction, "provider" | "fresh" | "returnTo" | "replaces" | "link">): Transaction => ({
      ...asked,
      state: randomId(random),
      nonce: randomId(random),
      codeVerifier: Buffer.from(random(32)).toString("base64url"),
    }),

    async keep(transaction: Transaction, request: FastifyRequest, reply: FastifyReply): Promise<void> {
      const pending = Object.keys(request.cookies).filter((name) => name.startsWith(prefix));
      if (pending.length >= maxPending) for (const name of pending) reply.clearCookie(name, attributes);
      const value = await sealed.seal("login-transactions", transaction, lifetimeSeconds);
      reply.setCookie(prefix + transaction.state, value, { ...attributes, maxAge: lifetimeSeconds });
    },

    /**
     * The transaction that an answer with this state belongs to, and never again. `null`: none of this browser. When the
     * database is unavailable, the browser keeps the transaction, and the same answer may be tried again.
     */
    async end(state: unknown, request: FastifyRequest, reply: FastifyReply): Promise<Transaction | null> {
      if (typeof state !== "string" || !State.test(state)) return null;
      const value = request.cookies[prefix + state];
      if (value === undefined) return null;
      const transaction = await sealed.open<Transaction>("login-transactions", value);
      const isOurs = transaction?.state === state && (await spentIds.spend("login", state, lifetimeSeconds));
      reply.clearCookie(prefix + state, attributes);
      return isOurs ? transaction : null;
    },
  };
};
