// Owns the authorization server as a whole: loads the library when it is first needed, and creates a new instance when
// the keys change, since an instance's keys are fixed.

import type { ProtocolPage } from "@lockstep/kit";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Provider } from "oidc-provider";
import type { Users } from "../domain/accounts/users.ts";
import type { Clients } from "../domain/clients/clients.ts";
import type { Grants } from "../domain/clients/grants.ts";
import type { OAuthRecords } from "../domain/clients/oauth-records.ts";
import type { FactorPolicy } from "../domain/factors/factor-policy.ts";
import type { Factors } from "../domain/factors/factors.ts";
import type { Source } from "../domain/kernel/audit.ts";
import type { Clock } from "../domain/kernel/clock.ts";
import type { Secrets } from "../domain/kernel/secrets.ts";
import type { SpentIds } from "../domain/kernel/spent-ids.ts";
import type { Throttle } from "../domain/kernel/throttle.ts";
import type { SessionLimits, Sessions } from "../domain/sessions/sessions.ts";
import type { Keyring } from "../domain/tokens/keyring.ts";
import type { Scopes } from "../domain/tokens/scopes.ts";
import type { Tokens } from "../domain/tokens/tokens.ts";
import type { AuthorizationCookies } from "./browser-binding.ts";
import type { RegistrationPolicy } from "./configuration.ts";
import { createDeviceEntry } from "./device-entry.ts";
import { createEndedSessions } from "./ended-sessions.ts";
import { createAuthorizationRequests } from "./interactions.ts";
import { authorizationServerRoutes, type CrossOrigin } from "./routes.ts";

export interface AuthorizationServerOptions {
  readonly issuer: string;
  readonly clock: Pick<Clock, "offsetMs">;
  readonly keyring: Keyring;
  readonly secrets: Secrets;
  readonly users: Users;
  readonly sessions: Sessions;
  readonly tokens: Tokens;
  readonly grants: Grants;
  readonly clients: Clients;
  readonly oauthRecords: OAuthRecords;
  readonly spentIds: SpentIds;
  readonly scopes: Scopes;
  readonly limits: SessionLimits;
  readonly registration: RegistrationPolicy;
  readonly now: () => number;
  readonly newId: () => string;
  readonly fetch: (address: string | URL, init?: RequestInit) => Promise<Response>;
  readonly renderPage: (page: ProtocolPage) => Promise<string>;
  readonly authorizationCookies: AuthorizationCookies;
  readonly sourceOf: (request: FastifyRequest) => Source;
  readonly throttle: Throttle;
  readonly factorPolicy: FactorPolicy;
  readonly factors: Pick<Factors, "list">;
  readonly crossOrigin: CrossOrigin;
  /** The refresh token of the first-party web app in the requesting browser; `null`: none that counts. */
  readonly refreshTokenOf: (request: FastifyRequest, reply: FastifyReply) => string | null;
}

export const createAuthorizationServer = (options: AuthorizationServerOptions) => {
  const { keyring, issuer, limits } = options;
  let instance: { readonly keyIds: string; readonly provider: Promise<Provider> } | undefined;

  const load = async (): Promise<Provider> => {
    const [{ createProvider }, { createAdapters }] = await Promise.all([
      import("./configuration.ts"),
      import("./adapter.ts"),
    ]);
    const { oauthRecords: records, secrets } = options;
    const { graceSeconds } = limits;
    // Derived from the token, so that concurrent requests get the same successor.
    const successorOf = (refreshTokenId: string) => secrets.mac("oauth-refresh", refreshTokenId);
    const adapter = createAdapters({ ...options, records, graceSeconds, successorOf });
    return createProvider({ ...options, adapter, successorOf, keys: keyring.privateJwks() });
  };

  const provider = async (): Promise<Provider> => {
    await keyring.ensureAll();
    const keyIds = keyring
      .privateJwks()
      .map(({ kid }) => kid)
      .join();
    if (instance?.keyIds === keyIds) return instance.provider;
    const made = { keyIds, provider: load() };
    instance = made;
    // The next request loads it again.
    made.provider.catch(() => {
      if (instance === made) instance = undefined;
    });
    return made.provider;
  };

  const { plugin, registrationPlugin, answer } = authorizationServerRoutes({
    ...options,
    provider,
    publicUrl: issuer,
    deviceEntry: createDeviceEntry(options),
  });

  return {
    /** Its routes, except `/token`, which first-party clients use too. */
    routes: plugin,
    /** The route at which clients register themselves, if enabled. Open to pages of any origin. */
    registrationRoutes: registrationPlugin,
    /** Answers a client's request to `/token`. */
    answer,
    /** Notifies clients of ended sessions. */
    endedSessions: createEndedSessions({ provider, oauthRecords: options.oauthRecords }),
    /** Authorization requests, for RPC. */
    requests: createAuthorizationRequests({ ...options, provider }),
  };
};
