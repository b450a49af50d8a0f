// Owns the routes of signing in through an identity provider: leaving, coming back, and signing out in both directions.
// Every failure ends in one page of the web app, with a reason, and in one audit entry.

import formbody from "@fastify/formbody";
import type { LoginProblem } from "@lockstep/kit";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { challengeSeconds, type PendingSignIn, type SignInChallenges } from "../domain/factors/sign-in-challenges.ts";
import type { Identities } from "../domain/identities/identities.ts";
import type { IdentitySignIn } from "../domain/identities/identity-sign-in.ts";
import type { LinkTickets } from "../domain/identities/link-tickets.ts";
import { LoginRefusal } from "../domain/identities/login-refusal.ts";
import type { AnonymousEntries } from "../domain/kernel/anonymous-entries.ts";
import type { Audit, Source } from "../domain/kernel/audit.ts";
import { refusalOf as domainRefusalOf } from "../domain/kernel/domain-error.ts";
import type { Sealed } from "../domain/kernel/sealed.ts";
import type { SpentIds } from "../domain/kernel/spent-ids.ts";
import type { Sessions } from "../domain/sessions/sessions.ts";
import { type Checks, type IdentityProvider, refusalOf } from "./identity-provider.ts";
import type { IdentityProviders } from "./identity-providers.ts";
import { logoutTokenLifetimeSeconds } from "./openid.ts";
import { returnPath } from "./return-path.ts";
import type { createTransactions, Transaction } from "./transactions.ts";

/** The cookies that are used here. `http/cookies.ts` owns them. */
interface SessionCookies {
  /** `null`: there is none, or another site sent the browser here. */
  readonly refreshToken: string | null;
  readonly deviceToken: string | null;
  readonly proofSecret: string | null;
  setProofSecret(secret: string, lifetimeSeconds: number): void;
  setRefreshToken(token: string, expiresAt: number): void;
  setDeviceToken(token: string): void;
}

export interface RelyingPartyOptions {
  readonly providers: IdentityProviders;
  readonly transactions: ReturnType<typeof createTransactions>;
  readonly identitySignIn: IdentitySignIn;
  readonly identities: Identities;
  readonly signInChallenges: SignInChallenges;
  readonly sessions: Sessions;
  readonly linkTickets: LinkTickets;
  readonly spentIds: SpentIds;
  readonly sealed: Sealed;
  readonly audit: Audit;
  readonly anonymousEntries: AnonymousEntries;
  readonly publicUrl: string;
  readonly cookies: (request: FastifyRequest, reply: FastifyReply) => SessionCookies;
  readonly sourceOf: (request: FastifyRequest) => Source;
}

interface ToProvider {
  Params: { provider: string };
  Querystring: Record<string, unknown>;
}

const maxReasonLength = 300;

/** The known facts of a refused sign-in. */
type Attempt = Pick<Transaction, "provider" | "returnTo" | "replaces" | "deviceToken" | "secret" | "link">;

export const relyingPartyRoutes = (options: RelyingPartyOptions) => async (app: FastifyInstance) => {
  const { providers, transactions, identitySignIn, identities, signInChallenges, sessions } = options;
  const { publicUrl, cookies, sourceOf } = options;

  const find = (name: string): IdentityProvider => {
    const provider = providers.get(name);
    if (!provider) throw new LoginRefusal("unknown_provider", "no identity provider of this name is configured");
    return provider;
  };

  const checksOf = (provider: string, transaction: Transaction): Checks => ({
    ...transaction,
    // One for each identity provider, so that a response meant for another never matches (RFC 9700 §4.4.2.2).
    redirectUri: `${publicUrl}/login/${provider}/callback`,
  });

  /** Logs the reason, and redirects to the page that shows it. */
  const refuse = async (error: unknown, attempt: Attempt, request: FastifyRequest, reply: FastifyReply) => {
    if (isOutage(error)) throw error;
    const { problem, userId, message, cancelSecret } = asRefusal(error, request);
    // It may contain text of the identity provider, of any length.
    const reason = message.slice(0, maxReasonLength);
    const provider = providers.has(attempt.provider) ? attempt.provider : null;
    request.log.warn({ provider, problem, reason }, "a sign-in through an identity provider was refused");
    const source = sourceOf(request);
    const concernsAccount = userId !== null || attempt.link !== null || attempt.replaces !== null;
    // An unknown provider name is only logged.
    if (concernsAccount || (provider !== null && (await options.anonymousEntries.mayRecord(source))))
      await options.audit.record({
        action: attempt.link ? "identity.link" : "sign_in",
        outcome: "refused",
        userId: userId ?? attempt.link?.userId ?? null,
        detail: { provider, problem, reason },
        source,
      });
    // The secret follows `#`, so it is in no log.
    return seeOther(reply, cancelSecret === null ? problemPage(attempt, provider, problem) : `/proof#${cancelSecret}`);
  };

  app.addHook("onRequest", async (_request, reply) => {
    reply.header("cache-control", "no-store");
  });

  app.get<ToProvider>("/login/:provider", { exposeHeadRoute: false }, async (request, reply) => {
    const { params, query } = request;
    const returnTo = returnPath(query["returnTo"], publicUrl);
    let attempt: Attempt = {
      provider: params.provider,
      returnTo,
      replaces: null,
      deviceToken: null,
      secret: null,
      link: null,
    };
    try {
      const provider = find(params.provider);
      const { refreshToken, deviceToken, proofSecret: secret } = cookies(request, reply);
      const session = refreshToken === null ? null : await sessions.findByRefreshToken(refreshToken);
      attempt = { ...attempt, deviceToken, secret, replaces: session && { id: session.id, userId: session.userId } };
      if (typeof query["ticket"] === "string") {
        const ticket = await options.linkTickets.read(query["ticket"]);
        // The ticket must belong to this browser's session, or it could link this person's identity to somebody else's
        // account.
        if (!ticket || ticket.provider !== params.provider || session?.id !== ticket.session.id)
          throw new LoginRefusal("session_ended", "the ticket belongs to another session", session?.userId);
        attempt = {
          provider: params.provider,
          returnTo: returnPath(ticket.returnTo, publicUrl),
          replaces: null,
          deviceToken,
          secret,
          link: ticket.session,
        };
      }
      const transaction = transactions.create({ ...attempt, fresh: query["fresh"] === "1" });
      const address = await provider.authorizationUrl(checksOf(params.provider, transaction));
      await transactions.keep(transaction, request, reply);
      return seeOther(reply, String(address));
    } catch (error) {
      return refuse(error, attempt, request, reply);
    }
  });

  app.get<ToProvider>("/login/:provider/callback", { exposeHeadRoute: false }, async (request, reply) => {
    const { params, query } = request;
    let attempt: Attempt = {
      provider: params.provider,
      returnTo: "/",
      replaces: null,
      deviceToken: null,
      secret: null,
      link: null,
    };
    try {
      const provider = find(params.provider);
      const transaction = await transactions.end(query["state"], request, reply);
      if (!transaction) throw new LoginRefusal("expired", "no sign-in of this browser is pending for this response");
      attempt = { ...transaction, provider: params.provider };
      if (transaction.provider !== params.provider)
        throw new LoginRefusal("untrusted", "the response came back for another identity provider");
      const callback = new URL(request.url, publicUrl);
      const verified = {
        rules: provider.settings,
        ...(await provider.redeem(callback, checksOf(params.provider, transaction))),
      };
      const source = sourceOf(request);
      if (transaction.link) {
        await identitySignIn.link(verified, transaction.link, source);
        return seeOther(reply, transaction.returnTo);
      }
      const secret = transaction.secret ?? signInChallenges.newBrowserSecret();
      const signedIn = await identitySignIn.signIn(verified, source, { ...transaction, secret });
      const { setRefreshToken, setDeviceToken, setProofSecret } = cookies(request, reply);
      if (signedIn.status !== "signed_in") {
        setProofSecret(secret, challengeSeconds);
        return seeOther(reply, nextStepPage(signedIn, transaction.returnTo));
      }
      setRefreshToken(signedIn.refreshToken, signedIn.refreshTokenExpiresAt);
      setDeviceToken(signedIn.deviceToken);
      return seeOther(reply, transaction.returnTo);
    } catch (error) {
      return refuse(error, attempt, request, reply);
    }
  });

  /** RP-Initiated Logout 1.0 §2: only the browser that just signed out here has a sealed ID token to present. */
  app.get<ToProvider>("/login/:provider/logout", { exposeHeadRoute: false }, async (request, reply) => {
    const { hint } = request.query;
    const idToken = typeof hint === "string" ? await options.sealed.open<string>("id-tokens", hint) : null;
    const after = `${publicUrl}/sign-in`;
    const provider = providers.get(request.params.provider);
    if (!provider || idToken === null) return seeOther(reply, after);
    try {
      return seeOther(reply, String((await provider.endSessionUrl(idToken, after)) ?? after));
    } catch (error) {
      // They are signed out here, even if the identity provider does not answer.
      const { message: reason } = asRefusal(error, request);
      request.log.warn(
        { provider: provider.settings.name, reason },
        "the identity provider's session was left as it is",
      );
      return seeOther(reply, after);
    }
  });

  await app.register(async (logout) => {
    logout.removeAllContentTypeParsers();
    await logout.register(formbody);

    /** Back-Channel Logout 1.0 §2.5. */
    logout.post<ToProvider>("/login/:provider/backchannel-logout", async (request, reply) => {
      const { logout_token: token } = (request.body ?? {}) as Record<string, unknown>;
      try {
        const provider = find(request.params.provider);
        const verified = typeof token === "string" ? await provider.verifyLogoutToken(token) : null;
        if (!verified) throw new LoginRefusal("untrusted", "there is no valid logout token");
        const { id, issuer } = verified;
        const tokenId = `${issuer} ${id}`;
        if (await options.spentIds.isSpent("logout-token", tokenId))
          throw new LoginRefusal("untrusted", "the logout token has already been used");
        const ended = await identities.endSessionsFrom(issuer, verified, sourceOf(request));
        // Spend it last: after an outage, the identity provider sends it again. Twice its lifetime, since its clock may
        // be ahead.
        await options.spentIds.spend("logout-token", tokenId, 2 * logoutTokenLifetimeSeconds);
        request.log.info({ provider: provider.settings.name, ended }, "signed out by the identity provider");
        return reply.code(200).send();
      } catch (error) {
        if (isOutage(error)) throw error;
        const { message: reason } = asRefusal(error, request);
        request.log.warn({ reason }, "a logout token was refused");
        return reply.code(400).send({ error: "invalid_request" });
      }
    });
  });
};

/** The database is unavailable: nothing can be recorded, and the same request may succeed shortly. */
const isOutage = (error: unknown) => domainRefusalOf(error)?.code === "UNAVAILABLE";

/** The refusal for a failure. A bug is logged without its input, which may contain a token, and shown as an outage. */
const asRefusal = (error: unknown, request: FastifyRequest): LoginRefusal => {
  try {
    return refusalOf(error);
  } catch {
    request.log.error(
      { stack: error instanceof Error ? error.stack : null },
      "a sign-in through an identity provider failed",
    );
    return new LoginRefusal("unavailable", "internal");
  }
};

/** Never 307, which would repeat a POST (RFC 9700 §4.12). */
const seeOther = (reply: FastifyReply, address: string) => reply.code(303).header("location", address).send();

/** Signed-in people return to their linked accounts; others to the sign-in page, with their return path. */
const problemPage = ({ returnTo, replaces, link }: Attempt, provider: string | null, problem: LoginProblem) => {
  const query = new URLSearchParams({ problem, ...(provider !== null && { provider }) });
  if (link || replaces) return `/linked-accounts?${query}`;
  if (returnTo !== "/") query.set("return", returnTo);
  return `/sign-in?${query}`;
};

/**
 * The sign-in page, which continues with the answer in its fragment: `LoginResult` as JSON. A fragment is in no log and no
 * `Referer`, and the challenge works in this browser only.
 */
const nextStepPage = (pending: PendingSignIn, returnTo: string) => {
  const query = returnTo === "/" ? "" : `?${new URLSearchParams({ return: returnTo })}`;
  return `/sign-in${query}#${new URLSearchParams({ continue: JSON.stringify(pending) })}`;
};
