// Owns the storage of the authorization server: each of the library's models in our tables. What can be used once is
// consumed by one conditional statement. A refresh token that was replaced a moment ago still works, so that concurrent
// requests get the same successor (RFC 9700 §4.14.2).

import { type Adapter, type AdapterPayload, errors, type InteractionResults, Provider } from "oidc-provider";
import type { Clients } from "../domain/clients/clients.ts";
import type { Grants } from "../domain/clients/grants.ts";
import type { OAuthRecords } from "../domain/clients/oauth-records.ts";
import type { Clock } from "../domain/kernel/clock.ts";
import type { SpentIds } from "../domain/kernel/spent-ids.ts";
import type { Sessions } from "../domain/sessions/sessions.ts";
import { proofToleranceSeconds } from "../domain/tokens/dpop.ts";
import { accessTokenLifetimeSeconds } from "../domain/tokens/tokens.ts";
import { currentCall } from "./call.ts";
import type { RegistrationPolicy } from "./configuration.ts";
import { followingSharedClock } from "./shared-clock.ts";

export interface AdapterOptions {
  readonly clients: Clients;
  readonly grants: Grants;
  readonly records: OAuthRecords;
  readonly sessions: Sessions;
  readonly spentIds: SpentIds;
  readonly registration: RegistrationPolicy;
  readonly now: () => number;
  readonly clock: Pick<Clock, "offsetMs">;
  /** How long a replaced refresh token still gets its successor. */
  readonly graceSeconds: number;
  /** The ID of the refresh token that follows this one. */
  readonly successorOf: (refreshTokenId: string) => string;
}

/** Our additions to the result of an interaction. */
export interface DecidedBy {
  /** The session of ours in which the person decided. The library's own session ends with it. */
  readonly sessionId: string;
}

type Stored = { -readonly [K in keyof AdapterPayload]: AdapterPayload[K] };

export const createAdapters = (options: AdapterOptions) => (model: string) => {
  const special: Record<string, (options: AdapterOptions) => Partial<Adapter>> = {
    AccessToken: presentedTokens,
    AuthorizationCode: onceOnly("AuthorizationCode"),
    Client: clients,
    ClientCredentials: presentedTokens,
    DeviceCode: deviceCodes,
    Grant: grantModel,
    PushedAuthorizationRequest: onceOnly("PushedAuthorizationRequest"),
    RefreshToken: refreshTokens,
    ReplayDetection: replays,
    Session: sessionModel,
  };
  const adapter = { ...records(model, options), ...special[model]?.(options) } satisfies Adapter;
  return followingSharedClock(adapter, options.clock);
};

/** For clocks that differ. */
const minute = 60;

const expiryOf = (now: () => number, expiresIn: number | undefined) => now() + (expiresIn ?? 0) * 1000;

/** The person whom a record names. An interaction names them in its session, or in its answer. */
const personIn = ({ accountId, session, result }: AdapterPayload): string | null =>
  accountId ?? session?.accountId ?? (result as InteractionResults | undefined)?.login?.accountId ?? null;

/** The methods that most models need. */
const records = (model: string, { records, now }: AdapterOptions): Adapter => {
  const asStored = async (by: { id: string } | { alias: string }): Promise<AdapterPayload | undefined> => {
    const record = await records.find(model, by);
    if (!record) return undefined;
    const { payload, consumedAt } = record;
    return { ...payload, ...(consumedAt !== null && { consumed: Math.floor(consumedAt / 1000) }) };
  };
  return {
    upsert: (id, payload, expiresIn) =>
      records.save(model, id, {
        payload: { ...payload },
        grantId: payload.grantId ?? null,
        userId: personIn(payload),
        alias: payload.userCode ?? null,
        expiresAt: expiryOf(now, expiresIn),
      }),
    find: (id) => asStored({ id }),
    findByUid: (uid) => asStored({ alias: uid }),
    findByUserCode: (userCode) => asStored({ alias: userCode }),
    consume: async (id) => {
      await records.consume(model, id);
    },
    destroy: (id) => records.delete(model, id),
    revokeByGrantId: (grantId) => records.deleteOfGrants([grantId]),
  };
};

/**
 * A second use is refused, also when two arrive at once, and revokes what the first one got (RFC 6749 §4.1.2, RFC 9126
 * §4).
 */
const onceOnly =
  (model: string) =>
  ({ records, grants }: AdapterOptions): Partial<Adapter> => ({
    async consume(id) {
      if (await records.consume(model, id)) return;
      const grantId = (await records.find(model, { id }))?.payload["grantId"];
      if (typeof grantId === "string") await grants.end(grantId, "grant.reuse", currentCall().source);
      throw new errors.InvalidGrant("it has already been used");
    },
  });

/** One second less than the interval of RFC 8628 §3.2, which devices may miss slightly. */
const pollSeconds = 4;

/** How long an expired device code is kept, to answer `expired_token` (RFC 8628 §3.5). */
const expiredCodeSeconds = 5 * minute;

/**
 * A device code is redeemed once. Devices poll (RFC 8628 §3.4): one that polls twice at once, or again after a lost
 * answer, is no attacker, so the second poll is refused and revokes nothing. The code never leaves the device, unlike
 * an authorization code in a URL.
 */
const deviceCodes = (options: AdapterOptions): Partial<Adapter> => ({
  upsert: (id, payload, expiresIn) =>
    records("DeviceCode", options).upsert(id, payload, (expiresIn ?? 0) + expiredCodeSeconds),
  async find(id) {
    const code = await records("DeviceCode", options).find(id);
    if (!code || "consumed" in code) return undefined;
    const isExpired = (code.exp ?? 0) * 1000 <= options.now();
    const isPending = code.accountId === undefined && code["error"] === undefined && !isExpired;
    // RFC 8628 §3.5
    if (isPending && Provider.ctx?.oidc.route === "token" && !(await options.spentIds.spend("poll", id, pollSeconds)))
      throw new errors.SlowDown();
    return code;
  },
  async consume(id) {
    if (!(await options.records.consume("DeviceCode", id)))
      throw new errors.InvalidGrant("the device code has already been used");
  },
});

/** How many successors of a late refresh token are followed; each one is a query. */
const maxSuccessors = 16;

const refreshTokens = ({ records, now, graceSeconds, successorOf }: AdapterOptions): Partial<Adapter> => ({
  // A token's successor is computed from it: of concurrent requests, the first one stores it, and none restores a
  // successor that was used meanwhile.
  upsert: (id, payload, expiresIn) =>
    records.save(
      "RefreshToken",
      id,
      {
        payload: { ...payload },
        grantId: payload.grantId ?? null,
        userId: personIn(payload),
        alias: null,
        expiresAt: expiryOf(now, expiresIn),
      },
      { keep: true },
    ),
  async find(id) {
    const record = await records.find("RefreshToken", { id });
    if (!record) return undefined;
    const { payload, consumedAt } = record;
    if (consumedAt === null) return { ...payload };
    if (now() - consumedAt > graceSeconds * 1000) return { ...payload, consumed: Math.floor(consumedAt / 1000) };
    // The successor may have been replaced too: continue with the newest token.
    let [last, lastId] = [payload, id];
    for (let followed = 0; followed < maxSuccessors; followed++) {
      lastId = successorOf(lastId);
      const next = await records.find("RefreshToken", { id: lastId });
      if (!next || next.consumedAt === null) return { ...last };
      last = next.payload;
    }
    throw new errors.InvalidGrant("it has been replaced too often");
  },
});

/**
 * Access tokens are JWTs and not stored. One that is introspected or revoked was verified before, and is returned as if
 * it were stored. To revoke it, its ID is spent.
 */
const presentedTokens = ({ clients, spentIds }: AdapterOptions): Partial<Adapter> => ({
  async find(id) {
    const { presented } = currentCall();
    if (presented?.jti !== id || !(await clients.accepts(presented.clientId ?? "", id))) return undefined;
    return presented;
  },
  async destroy(id) {
    const { presented } = currentCall();
    // Allows for clocks that differ beyond `exp`.
    if (presented?.jti === id) await spentIds.spend("access-token", id, accessTokenLifetimeSeconds + minute);
  },
});

/**
 * Proofs and assertions that were seen: of concurrent identical ones, one is accepted (RFC 9449 §11.1). The library
 * stores a proof for as long as an old one is accepted; a proof from a clock that is ahead is accepted for twice as
 * long.
 */
const replays = ({ spentIds }: AdapterOptions): Partial<Adapter> => ({
  find: async (id) => ((await spentIds.isSpent("proof", id)) ? { jti: id } : undefined),
  async upsert(id, _payload, expiresIn) {
    if (!(await spentIds.spend("proof", id, (expiresIn ?? 0) + proofToleranceSeconds))) {
      throw new errors.InvalidRequest("the proof or assertion has already been used");
    }
  },
});

const grantModel = ({ grants }: AdapterOptions): Partial<Adapter> => ({
  upsert: (id, payload) =>
    grants.save(
      {
        id,
        userId: payload.accountId ?? "",
        clientId: payload.clientId ?? "",
        scopes: scopesOfGrant(payload as GrantPayload),
        payload,
      },
      currentCall().source,
    ),
  async find(id) {
    const payload = await grants.payloadOf(id);
    // The library's expiry is fixed when the grant is made; ours is extended with each use.
    return payload ? { ...payload, exp: undefined } : undefined;
  },
  async destroy(id) {
    const route = Provider.ctx?.oidc.route;
    await grants.end(id, route === "token" ? "grant.reuse" : "grant.revoke", currentCall().source);
  },
});

interface GrantPayload {
  readonly openid?: { readonly scope?: string };
  readonly resources?: Readonly<Record<string, string>>;
}

const scopesOfGrant = ({ openid, resources = {} }: GrantPayload): string[] => [
  ...new Set([openid?.scope ?? "", ...Object.values(resources)].join(" ").split(" ").filter(Boolean)),
];

/** Every request without a cookie creates an anonymous session. It lasts as long as an authorization request. */
const anonymousSessionSeconds = 30 * minute;

/** The library's session, bound to the session of ours in which the person signed in. */
const sessionModel = ({ records, sessions, now }: AdapterOptions): Partial<Adapter> => {
  /** Our session of a library session that gets a new ID in this call: it is deleted and written again. */
  const renamed = new WeakMap<object, string>();

  const asStored = async (by: { id: string } | { alias: string }): Promise<AdapterPayload | undefined> => {
    const found = await records.find("Session", by);
    // The browser and its authorization request continue, but the person has signed out.
    return found?.sessionEnded ? withoutPerson(found.payload) : (found?.payload as AdapterPayload | undefined);
  };

  return {
    find: (id) => asStored({ id }),
    findByUid: (uid) => asStored({ alias: uid }),
    upsert(id, payload, expiresIn) {
      const { ctx } = Provider;
      const decidedBy = ctx?.oidc.result as Partial<DecidedBy> | undefined;
      const sessionId = decidedBy?.sessionId ?? (ctx && renamed.get(ctx));
      return records.save("Session", id, {
        payload: { ...payload },
        grantId: null,
        userId: personIn(payload),
        alias: payload.uid ?? null,
        expiresAt: expiryOf(now, payload.accountId === undefined ? anonymousSessionSeconds : expiresIn),
        ...(sessionId !== undefined && { sessionId }),
      });
    },
    async destroy(id) {
      const found = await records.find("Session", { id });
      await records.delete("Session", id);
      const { ctx } = Provider;
      if (!ctx || !found?.sessionId || found.sessionEnded) return;
      // RP-initiated logout §2: the person asked to sign out here as well.
      const { accountId } = found.payload as Stored;
      if (ctx.oidc.route === "end_session_confirm" && ctx.oidc.params?.["logout"] && accountId)
        await sessions.end(accountId, found.sessionId, "signed_out", currentCall().source);
      else renamed.set(ctx, found.sessionId);
    },
  };
};

/** The part of the library's session that remains after the person has signed out. */
export const withoutPerson = ({
  accountId: _,
  loginTs: __,
  acr: ___,
  amr: ____,
  authorizations: _____,
  ...rest
}: AdapterPayload): AdapterPayload => rest;

const clients = ({ clients, registration: policy }: AdapterOptions): Partial<Adapter> => ({
  async find(id) {
    const found = await clients.registrationOf(id);
    if (!found) return undefined;
    const { registration, name, secretHash, createdAt, verified, exceptions, revision } = found;
    return {
      ...(registration as AdapterPayload),
      client_id: id,
      client_name: name,
      client_id_issued_at: Math.floor(createdAt / 1000),
      // The library treats it as the secret; `configuration.ts` compares hashes.
      ...(secretHash !== null && { client_secret: secretHash }),
      [verifiedProperty]: verified,
      [introspectsProperty]: exceptions.mayIntrospect,
      [omitsPkceProperty]: exceptions.mayOmitPkce,
      [assertsToTokenEndpointProperty]: exceptions.assertsToTokenEndpoint,
      [revisionProperty]: revision,
    } as AdapterPayload;
  },
  async upsert(id, payload) {
    const { client_id: _, client_id_issued_at: __, client_secret_expires_at: ___, ...rest } = payload;
    const {
      client_name: name,
      client_secret: secret,
      [verifiedProperty]: ____,
      [introspectsProperty]: _____,
      [omitsPkceProperty]: ______,
      [assertsToTokenEndpointProperty]: _______,
      [revisionProperty]: ________,
      ...registration
    } = rest as Stored & Record<string, unknown>;
    const registered = { name: name ?? id, secret: secret ?? null, registration };
    await clients.registerOverWire(id, registered, currentCall().source, { anonymous: policy === "open" });
  },
});

/** Properties that the library carries with a client. Whether an operator verified it. */
export const verifiedProperty = "lockstep_verified";
/** Whether it may introspect the tokens of other clients. */
export const introspectsProperty = "lockstep_introspects";
/** Whether it may leave out PKCE. */
export const omitsPkceProperty = "lockstep_omits_pkce";
/** Whether its assertions may name the token endpoint as their audience. */
export const assertsToTokenEndpointProperty = "lockstep_asserts_to_token_endpoint";
/** How often its owner has changed it. */
export const revisionProperty = "lockstep_revision";
