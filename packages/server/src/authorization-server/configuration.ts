// Owns the configuration of `oidc-provider`, most of it derived from the contract. The library implements the protocol;
// what it lacks is in the other files of this folder.

import type { EventEmitter } from "node:events";
import { acrValues, type ProtocolPage } from "@lockstep/kit";
import {
  type AdapterFactory,
  type Client,
  errors,
  interactionPolicy,
  type JWK,
  type KoaContextWithOIDC,
  Provider,
} from "oidc-provider";
import type { Users } from "../domain/accounts/users.ts";
import { type Clients, isSecretOf } from "../domain/clients/clients.ts";
import type { Grants } from "../domain/clients/grants.ts";
import type { Factors } from "../domain/factors/factors.ts";
import type { Clock } from "../domain/kernel/clock.ts";
import type { Secrets } from "../domain/kernel/secrets.ts";
import type { SessionLimits } from "../domain/sessions/sessions.ts";
import { proofAlgorithms } from "../domain/tokens/dpop.ts";
import { accessTokenAlgorithm, idTokenAlgorithm } from "../domain/tokens/keyring.ts";
import type { Scopes } from "../domain/tokens/scopes.ts";
import { accessTokenLifetimeSeconds, idTokenLifetimeSeconds } from "../domain/tokens/tokens.ts";
import { levelCheck, refuseUnknownLevels } from "./acr-values.ts";
import {
  assertsToTokenEndpointProperty,
  introspectsProperty,
  omitsPkceProperty,
  revisionProperty,
  verifiedProperty,
} from "./adapter.ts";
import { type AuthorizationCookies, bindToBrowser, withoutCookie } from "./browser-binding.ts";
import { report } from "./call.ts";
import { checkAssertion } from "./client-assertions.ts";
import { dpopNonceSecret } from "./dpop-nonces.ts";
import { askBeforeLeaving } from "./leaving.ts";
import { answerOutages } from "./outages.ts";
import { pagesOf } from "./pages.ts";
import { paths } from "./paths.ts";
import { type Registration, registrationProblem } from "./registrations.ts";
import { completeScopes } from "./requested-scopes.ts";
import { toSharedClock } from "./shared-clock.ts";

/** Who may register a client over the wire (RFC 7591): nobody, anybody, or anybody with the token. */
export type RegistrationPolicy = "off" | "open" | { readonly token: string };

export interface ProviderOptions {
  readonly issuer: string;
  readonly clock: Pick<Clock, "offsetMs">;
  readonly adapter: AdapterFactory;
  /** The signing keys. Of each algorithm, the first one signs, and all of them verify. */
  readonly keys: readonly JWK[];
  readonly secrets: Secrets;
  readonly users: Users;
  readonly grants: Grants;
  readonly factors: Pick<Factors, "list">;
  readonly clients: Clients;
  readonly scopes: Scopes;
  readonly limits: SessionLimits;
  readonly registration: RegistrationPolicy;
  readonly fetch: (address: string | URL, init?: RequestInit) => Promise<Response>;
  readonly renderPage: (page: ProtocolPage) => Promise<string>;
  readonly authorizationCookies: AuthorizationCookies;
  readonly newId: () => string;
  /** The ID of the refresh token that follows this one. */
  readonly successorOf: (refreshTokenId: string) => string;
}

const minute = 60;
const interactionLifetimeSeconds = 30 * minute;

export const createProvider = (options: ProviderOptions): Provider => {
  const { issuer, secrets, users, grants, clients, scopes, limits, registration, newId } = options;
  const { authorizationCookies } = options;
  const accessTokenKey = options.keys.find(({ alg }) => alg === accessTokenAlgorithm);
  const secure = issuer.startsWith("https://");
  const pages = pagesOf(options.renderPage, clients);

  const provider = new Provider(issuer, {
    adapter: options.adapter,
    jwks: { keys: [...options.keys] },
    routes: paths,
    scopes: [...scopes.grantableNames],
    acrValues: [...acrValues],
    claims: {
      openid: ["sub", "acr", "amr", "auth_time"],
      profile: ["name", "preferred_username"],
      email: ["email", "email_verified"],
    },
    responseTypes: ["code"], // RFC 9700 §2.1.2
    clientAuthMethods: ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
    clientDefaults: {
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "client_secret_basic",
      id_token_signed_response_alg: idTokenAlgorithm, // OpenID Connect Registration §2
    },
    enabledJWA: {
      idTokenSigningAlgValues: [idTokenAlgorithm, accessTokenAlgorithm],
      clientAuthSigningAlgValues: ["ES256", "EdDSA", "Ed25519", "RS256", "PS256"],
      dPoPSigningAlgValues: proofAlgorithms,
    },
    extraClientMetadata: {
      properties: [
        verifiedProperty,
        introspectsProperty,
        omitsPkceProperty,
        assertsToTokenEndpointProperty,
        revisionProperty,
      ],
      validator(ctx, name, value, metadata) {
        // A client that registers over the wire cannot set these properties itself.
        if (ctx !== undefined && value !== undefined)
          throw new errors.InvalidClientMetadata(`${name} cannot be set by the client`);
        if (name !== verifiedProperty) return;
        const problem = registrationProblem(metadata as Registration);
        if (problem !== null) throw new errors.InvalidClientMetadata(problem);
      },
    },
    pkce: { required: requiresPkce },
    async assertJwtClientAuthClaimsAndHeader(ctx, claims, _header, client) {
      checkAssertion(ctx, claims, client);
    },
    // The library has no hook after its own checks of scopes. No client sends this parameter.
    extraParams: {
      lockstep_scopes: (ctx, _value, client) => {
        refuseUnknownLevels(ctx);
        completeScopes(ctx, client, scopes);
      },
    },
    // Clients that registered for refresh tokens get them, with or without `offline_access`.
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed("refresh_token"),
    rotateRefreshToken: true,
    // A grant lasts until it is revoked or unused for too long. Signing out here does not end it.
    expiresWithSession: async () => false,
    ttl: {
      AccessToken: accessTokenLifetimeSeconds,
      ClientCredentials: accessTokenLifetimeSeconds,
      AuthorizationCode: minute,
      DeviceCode: 10 * minute,
      IdToken: idTokenLifetimeSeconds,
      Interaction: interactionLifetimeSeconds,
      Session: limits.idleSeconds,
      Grant: limits.lifetimeSeconds,
      // The idle lifetime, but never beyond the lifetime of the first token of its line (RFC 9700 §4.14.2).
      RefreshToken: (_ctx, token) =>
        Math.max(1, Math.min(limits.idleSeconds, limits.lifetimeSeconds - token.totalLifetime())),
    },
    cookies: {
      keys: [secrets.mac("oauth-cookies", "keys")],
      names: authorizationCookies.library,
      long: { signed: true, httpOnly: true, sameSite: "lax", secure },
      short: { signed: true, httpOnly: true, sameSite: "lax", secure },
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: mayIntrospect },
      revocation: { enabled: true, allowedPolicy: mayRevoke },
      dPoP: { enabled: true, nonceSecret: dpopNonceSecret(secrets) },
      deviceFlow: {
        enabled: true,
        charset: "base-20",
        mask: "****-****",
        userCodeInputSource: pages.deviceCode,
        userCodeConfirmSource: pages.deviceConfirm,
        successSource: pages.deviceDone,
      },
      rpInitiatedLogout: { enabled: true, logoutSource: pages.signOut, postLogoutSuccessSource: pages.signedOut },
      backchannelLogout: { enabled: true },
      registration: {
        enabled: registration !== "off",
        initialAccessToken: typeof registration === "object" ? registration.token : false,
        // Without registration access tokens, no registration can be read or changed over the wire, where the library
        // would show and compare the hash of the secret.
        issueRegistrationAccessToken: false,
        idFactory: newId,
        secretFactory: async () => clients.newSecret(),
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: async () => issuer,
        useGrantedResource: async () => true,
        getResourceServerInfo: async (_ctx, resource) => {
          if (resource !== issuer && resource !== `${issuer}/`) throw new errors.InvalidTarget();
          return {
            scope: scopes.grantableNames.join(" "),
            audience: issuer,
            accessTokenFormat: "jwt",
            accessTokenTTL: accessTokenLifetimeSeconds,
            jwt: { sign: { alg: accessTokenAlgorithm, kid: accessTokenKey?.kid } },
          };
        },
      },
    },
    interactions: {
      policy: policy(grants),
      url(ctx, interaction) {
        binding.keep(ctx, interaction, {
          cookies: authorizationCookies,
          secure,
          lifetimeSeconds: interactionLifetimeSeconds,
        });
        return `/interaction/${interaction.uid}`;
      },
    },
    async findAccount(ctx, id) {
      const user = await users.find(id);
      if (!user || user.disabled) {
        // The user was disabled or deleted after they answered. The library would fail without an account here.
        if (endsWithPerson.has(ctx.oidc.route)) throw new errors.AccessDenied("the account is disabled or was deleted");
        return undefined;
      }
      return {
        accountId: user.id,
        claims: async () => ({
          sub: user.id,
          name: user.fullName,
          preferred_username: user.username,
          ...(user.email !== null && { email: user.email, email_verified: user.emailVerified }),
        }),
      };
    },
    formats: {
      customizers: {
        jwt(_ctx, _token, { payload }) {
          // Access tokens are verified by the shared clock.
          Object.assign(payload, toSharedClock(payload, options.clock));
        },
      },
    },
    async extraTokenClaims(ctx, token) {
      if (token.kind === "ClientCredentials") await clients.markUsed(token.clientId ?? "");
      if (token.kind !== "AccessToken" || !token.grantId) return undefined;
      // Every issued access token passes here.
      if (!(await grants.used(token.grantId))) throw new errors.InvalidGrant("the grant was revoked");
      return { grant_id: token.grantId, ...(await assuranceOf(ctx, options.factors)) };
    },
    clientBasedCORS: (_ctx, origin, client) =>
      client.tokenEndpointAuthMethod === "none" &&
      (client.redirectUris ?? []).some((uri) => URL.canParse(uri) && new URL(uri).origin === origin),
    renderError: pages.error,
    fetch: (url, init) => options.fetch(url as URL, init as RequestInit),
  });

  const binding = bindToBrowser(provider, options.newId);
  provider.proxy = true;
  provider.use(answerOutages(provider, pages.show));
  provider.use(withoutCookie(authorizationCookies.library.interaction));
  provider.use(pages.letFormsPass);
  provider.use(askBeforeLeaving(provider, { clients, grants, show: pages.show }));
  provider.use(withoutTypeOfNothing);
  // Errors that are not reported to the caller.
  provider.on("server_error", (_ctx, error) => report(error));
  // An event of Koa, missing from the library's types. Without a listener it is printed to the console.
  (provider as Provider & EventEmitter).on("error", report);
  provider.on("backchannel.error", (_ctx, error) => report(error));
  // `client_secret` contains a hash, so the secret that a client presents is hashed as well.
  provider.Client.prototype.compareClientSecret = function (this: Client, shown: string) {
    return this.clientSecret !== undefined && isSecretOf(this.clientSecret, shown);
  };
  // RFC 6749 §5.2, RFC 8628 §3.2: the library answers `invalid_request`.
  const { grantTypeAllowed } = provider.Client.prototype;
  provider.Client.prototype.grantTypeAllowed = function (this: Client, type: string) {
    const allowed = grantTypeAllowed.call(this, type);
    if (!allowed && type === askedGrantType(Provider.ctx)) throw new errors.UnauthorizedClient();
    return allowed;
  };
  // The library reports errors of the device flow outside its own error handling.
  const sessions = provider.Session.prototype as { exp?: number; persist(): Promise<string> };
  const { persist } = sessions;
  sessions.persist = async function () {
    return this.exp === undefined ? "" : persist.call(this);
  };
  // The library has no type for the method; the races in `refresh.test.ts` fail when it is removed.
  const refreshTokens = provider.RefreshToken.prototype as typeof provider.RefreshToken.prototype & TokenIds;
  const newTokenId = refreshTokens.generateTokenId;
  refreshTokens.generateTokenId = function () {
    const replaced = Provider.ctx?.oidc.entities.RotatedRefreshToken;
    return replaced ? options.successorOf(replaced.jti) : newTokenId.call(this);
  };
  // An identity provider that did not say when: 0 would be a time (OpenID Connect Core §2).
  const idTokens = provider.IdToken.prototype;
  const { payload } = idTokens;
  idTokens.payload = async function () {
    const { auth_time, ...claims } = await payload.call(this);
    return auth_time === 0 ? claims : { ...claims, auth_time };
  };
  return provider;
};

/** What the person had proved when they approved (RFC 9068 §2.2.1): codes and refresh tokens carry it. */
const assuranceOf = async ({ oidc }: KoaContextWithOIDC, factors: Pick<Factors, "list">) => {
  const { AuthorizationCode: code, DeviceCode: device, RefreshToken: token } = oidc.entities;
  const source: Issued | undefined = code ?? device ?? token;
  if (!source?.acr || !source.accountId) return {};
  const { acr, amr = [], authTime } = source;
  // A factor that was removed meanwhile proves nothing any more.
  const own = acr !== "1fa" && amr.some((method) => method === "otp" || method === "pop");
  const stands = !own || (await factors.list(source.accountId)).length > 0;
  return {
    acr: stands ? acr : "1fa",
    ...(stands && amr.length > 0 && { amr }),
    ...(authTime !== undefined && authTime > 0 && { auth_time: authTime }),
  };
};

/** The properties of a code or a refresh token that the library's types leave out. */
interface Issued {
  readonly accountId?: string | undefined;
  readonly acr?: string | undefined;
  readonly amr?: string[] | undefined;
  readonly authTime?: number | undefined;
}

/** The route at which the library continues after a person's answer. */
const endsWithPerson = new Set(["authorization", "resume", "code_verification", "device_resume"]);

/** The grant type that a request is about; `null`: none. */
const askedGrantType = (ctx: KoaContextWithOIDC | undefined): unknown => {
  if (ctx?.oidc.route === "token") return ctx.oidc.params?.["grant_type"];
  return ctx?.oidc.route === "device_authorization" ? "urn:ietf:params:oauth:grant-type:device_code" : null;
};

/** How the library's models make the IDs of their tokens. */
type TokenIds = { generateTokenId(): string };

/** RFC 7009 §2.2: the response of a revocation is empty. With a content type, some clients expect JSON and fail. */
const withoutTypeOfNothing = async (ctx: KoaContextWithOIDC, next: () => Promise<void>) => {
  await next();
  if (ctx.body === "") ctx.remove("content-type");
};

/** RFC 9700 §2.1.1: PKCE is required, or a nonce where an operator lifted PKCE for a confidential client. */
const requiresPkce = ({ oidc }: KoaContextWithOIDC, client: Client): boolean => {
  if (client[omitsPkceProperty] !== true || client.tokenEndpointAuthMethod === "none") return true;
  if (oidc.params?.["nonce"] === undefined) throw new errors.InvalidRequest("PKCE or a nonce is required");
  return false;
};

type OfClient = { readonly clientId?: string | undefined };

/** RFC 7662 §2.1: a client may introspect its own tokens; others need an operator's permission. */
const mayIntrospect = async (_ctx: unknown, client: Client, token: OfClient) =>
  token.clientId === client.clientId ||
  (client[introspectsProperty] === true && client.tokenEndpointAuthMethod !== "none");

/** RFC 7009 §2.1: a client may revoke only its own tokens. */
const mayRevoke = async (_ctx: unknown, client: Client, token: OfClient) => {
  if (token.clientId !== client.clientId) throw new errors.InvalidRequest("the token was issued to another client");
  return true;
};

/**
 * The library's prompts and what they leave out: an unverified client asks each time (OWASP ASVS 10.7.1), a client that
 * its owner has changed asks again (OAuth 2.1 §7.3), and one that requires `auth_time` asks when nobody knows it (OpenID
 * Connect Registration §2).
 */
const policy = (grants: Grants) => {
  const prompts = interactionPolicy.base();
  prompts.get("login")?.checks.add(levelCheck);
  prompts.get("login")?.checks.add(
    new interactionPolicy.Check("auth_time", "the time of the sign-in is unknown", "login_required", ({ oidc }) => {
      // What a person's answer says was checked when they gave it.
      return oidc.client?.requireAuthTime === true && !oidc.session?.loginTs && !oidc.result?.login;
    }),
  );
  prompts.get("consent")?.checks.add(
    new interactionPolicy.Check("unverified_client", "the client is not verified", "consent_required", (ctx) => {
      const unverified = ctx.oidc.client?.[verifiedProperty] !== true;
      return unverified && !ctx.oidc.result?.consent;
    }),
  );
  prompts.get("consent")?.checks.add(
    new interactionPolicy.Check("changed_client", "the client has changed", "consent_required", async (ctx) => {
      const grantId = ctx.oidc.entities.Grant?.jti;
      return grantId !== undefined && !ctx.oidc.result?.consent && !(await grants.isForCurrentClient(grantId));
    }),
  );
  return prompts;
};
