// Owns an OpenID provider as our relying party uses it, around `openid-client`: discovery, the code flow, the checks of
// ID tokens, and logout tokens. @see OpenID Connect Core 1.0; RFC 9700 §2.1

import { displayNameFrom, EmailAddress } from "@lockstep/kit";
import { compactVerify, createRemoteJWKSet, jwtVerify, customFetch as keysFetch } from "jose";
import * as client from "openid-client";
import type { IdentityProfile } from "../domain/identities/identities.ts";
import type { VerifiedIdentity } from "../domain/identities/identity-sign-in.ts";
import { LoginRefusal } from "../domain/identities/login-refusal.ts";
import type { Now } from "../domain/kernel/environment.ts";
import { type Checks, freshSeconds, type IdentityProvider, type LogoutToken, refusalOf } from "./identity-provider.ts";
import type { IdentityProviderSettings } from "./identity-provider-settings.ts";

type Fetch = (address: string | URL, init?: RequestInit) => Promise<Response>;

/** How long metadata is cached. Keys are cached apart. */
const metadataLifetimeMs = 60 * 60 * 1000;

/** Never `none`, never symmetric (RFC 8725 §3.1). */
const signatureAlgorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];

/** OpenID Connect Core §2. */
const maxSubjectLength = 255;

const logoutEvent = "http://schemas.openid.net/event/backchannel-logout";

interface Discovered {
  readonly configuration: client.Configuration;
  /** For ID tokens, which come directly from the identity provider: an unknown key is fetched at once. */
  readonly keys: ReturnType<typeof createRemoteJWKSet>;
  /** For logout tokens, which anyone can send: unknown keys are fetched at most twice a minute. */
  readonly logoutKeys: ReturnType<typeof createRemoteJWKSet>;
  readonly at: number;
}

/** The greatest age of a fresh sign-in, with some room for clocks that differ. */
const freshLimitMs = (freshSeconds + 60) * 1000;

export const createOpenidProvider = ({
  settings,
  fetch,
  now,
}: {
  settings: IdentityProviderSettings;
  fetch: Fetch;
  now: Now;
}): IdentityProvider => {
  const { issuer, discoveryUrl, clientId, scopes } = settings;

  const discover = async (): Promise<Discovered> => {
    const configuration = await client.discovery(
      new URL(discoveryUrl ?? issuer),
      clientId,
      {},
      // The authentication method is chosen when the metadata is known.
      (server, own, body, headers) => authenticationFor(settings, server)(server, own, body, headers),
      {
        [client.customFetch]: fetch as client.CustomFetch,
        // `outbound.ts` decides for each address whether plain http is allowed.
        execute: settings.allowPrivateAddresses ? [client.allowInsecureRequests] : [],
      },
    );
    const server = configuration.serverMetadata();
    // The library compares URLs, for which `https://id.example.com` and `…/` are the same (ASVS 10.5.3).
    if (server.issuer !== issuer && !isTenantTemplate(server.issuer, issuer))
      throw new LoginRefusal(
        "untrusted",
        `the identity provider's issuer is ${server.issuer}, but ${issuer} is configured`,
      );
    for (const endpoint of ["authorization_endpoint", "token_endpoint", "jwks_uri"] as const) {
      const address = server[endpoint];
      if (typeof address !== "string" || !URL.canParse(address))
        throw new LoginRefusal("unavailable", `the identity provider's metadata has no ${endpoint}`);
    }
    const jwksUri = new URL(server.jwks_uri ?? "");
    return {
      configuration,
      keys: createRemoteJWKSet(jwksUri, { [keysFetch]: fetch, cooldownDuration: 0 }),
      logoutKeys: createRemoteJWKSet(jwksUri, { [keysFetch]: fetch }),
      at: now(),
    };
  };

  let known: Discovered | null = null;
  let pending: Promise<Discovered> | null = null;
  /** Concurrent callers share one request for metadata. Old metadata is used when it fails. */
  const discovered = async (): Promise<Discovered> => {
    if (known && now() - known.at < metadataLifetimeMs) return known;
    pending ??= discover().finally(() => {
      pending = null;
    });
    try {
      known = await pending;
    } catch (error) {
      if (!known) throw error;
    }
    return known;
  };

  /**
   * The claims that `openid-client` accepted. Verifies the signature too, which the library skips over TLS (ASVS
   * 10.5.4, 6.8.2).
   */
  const redeemCode = async ({ configuration, keys }: Discovered, callback: URL, checks: Checks) => {
    const tokens = await client.authorizationCodeGrant(configuration, callback, {
      pkceCodeVerifier: checks.codeVerifier,
      expectedState: checks.state,
      expectedNonce: checks.nonce,
      idTokenExpected: true,
    });
    const claims = tokens.claims();
    if (!claims || !tokens.id_token) throw new LoginRefusal("untrusted", "the response has no ID token");
    const { auth_time: authenticatedAt } = claims;
    // The library would require `auth_time`. An identity provider that was asked for a new sign-in may leave it out.
    if (checks.fresh && authenticatedAt !== undefined && authenticatedAt * 1000 < now() - freshLimitMs)
      throw new LoginRefusal("untrusted", "the identity provider did not ask the person to sign in again");
    await compactVerify(tokens.id_token, keys, { algorithms: signatureAlgorithms });
    return { tokens, claims, idToken: tokens.id_token };
  };

  /** When the person signed in there: as the ID token says, or now, if a new sign-in was asked for. */
  const authenticatedAtOf = (authTime: number | undefined, { fresh }: Checks): number | null => {
    if (authTime !== undefined) return authTime * 1000;
    return fresh && settings.freshness === "prompt_login" ? now() : null;
  };

  return {
    settings,

    async authorizationUrl(checks) {
      const { configuration } = await discovered();
      return client.buildAuthorizationUrl(configuration, {
        redirect_uri: checks.redirectUri,
        scope: scopes.join(" "),
        state: checks.state,
        nonce: checks.nonce,
        code_challenge: await client.calculatePKCECodeChallenge(checks.codeVerifier),
        code_challenge_method: "S256",
        ...(checks.fresh &&
          (settings.freshness === "prompt_login"
            ? { prompt: "login", max_age: String(freshSeconds) }
            : { prompt: "select_account" })),
      });
    },

    async redeem(callback, checks) {
      const provider = await discovered();
      const { tokens, claims, idToken } = await redeemCode(provider, callback, checks);
      if (text(claims.sub, maxSubjectLength) !== claims.sub)
        throw new LoginRefusal("untrusted", "the subject is longer than OpenID Connect allows, or not plain text");
      const asksUserinfo = claims["email"] === undefined || claims["name"] === undefined;
      const userinfo =
        asksUserinfo && provider.configuration.serverMetadata().userinfo_endpoint
          ? await client.fetchUserInfo(provider.configuration, tokens.access_token, claims.sub)
          : {};
      return {
        identity: identityOf({ issuer: claims.iss, subject: claims.sub }, claims, userinfo),
        providerSession: { sessionId: text(claims["sid"], maxSubjectLength), idToken },
        authenticatedAt: authenticatedAtOf(claims.auth_time, checks),
        proved: provedBy(claims, settings),
      };
    },

    async endSessionUrl(idToken, returnTo) {
      const { configuration } = await discovered();
      if (!configuration.serverMetadata().end_session_endpoint) return null;
      return client.buildEndSessionUrl(configuration, {
        id_token_hint: idToken,
        post_logout_redirect_uri: returnTo,
      });
    },

    async verifyLogoutToken(token): Promise<LogoutToken> {
      const { logoutKeys } = await discovered();
      const { payload } = await jwtVerify(token, logoutKeys, {
        issuer,
        audience: clientId,
        algorithms: signatureAlgorithms,
        typ: "logout+jwt",
        requiredClaims: ["iat", "jti", "events"],
        maxTokenAge: logoutTokenLifetimeSeconds,
        currentDate: new Date(now()),
      });
      const subject = text(payload.sub, maxSubjectLength);
      const sessionId = text(payload["sid"], maxSubjectLength);
      const event = (payload["events"] as Record<string, unknown>)[logoutEvent];
      if (typeof event !== "object" || event === null)
        throw new LoginRefusal("untrusted", "the token is not a logout token");
      // Back-Channel Logout §2.4: a token with a nonce is an ID token.
      if ("nonce" in payload) throw new LoginRefusal("untrusted", "the logout token has a nonce");
      if (subject === null && sessionId === null)
        throw new LoginRefusal("untrusted", "the logout token names neither a subject nor a session");
      return { id: payload.jti ?? "", issuer, subject, sessionId };
    },

    async check() {
      const { configuration, keys } = await discover().catch((error: unknown) => {
        throw refusalOf(error);
      });
      // Asks for an unknown key to load the key set; its error says why loading fails.
      const unread = await keys({ alg: "RS256", kid: "none" }).then(
        () => null,
        (error: unknown) => error as { code?: string },
      );
      if (unread && unread.code !== "ERR_JWKS_NO_MATCHING_KEY") throw refusalOf(unread);
      const server = configuration.serverMetadata();
      const notes = [`Its issuer is ${server.issuer}.`, `Its keys can be read at ${server.jwks_uri}.`];
      if (server.code_challenge_methods_supported?.includes("S256") !== true)
        notes.push(
          "Its metadata does not list PKCE with S256. It is sent anyway; providers that do not support it ignore it.",
        );
      if (!server.authorization_response_iss_parameter_supported)
        notes.push("It does not name itself in its answers: only its own callback address keeps it apart from others.");
      if (settings.endSession && !server.end_session_endpoint)
        notes.push("endSession is set, but it has no end_session_endpoint: signing out stays here.");
      return notes;
    },
  };
};

/** What the identity provider says that the person proved, as far as its settings trust it (OpenID Connect Core §2). */
const provedBy = (
  { acr, amr }: client.IDToken,
  { assurance }: IdentityProviderSettings,
): NonNullable<VerifiedIdentity["proved"]> => {
  const said = [acr, ...(Array.isArray(amr) ? amr : [])];
  const says = (values: readonly string[] = []) => values.some((value) => said.includes(value));
  if (says(assurance?.phr)) return "provider_phr";
  return says(assurance?.["2fa"]) ? "provider_2fa" : "provider";
};

/** Back-Channel Logout §2.6, OWASP ASVS 10.5.5. */
export const logoutTokenLifetimeSeconds = 120;

/** Microsoft's metadata for all tenants names no issuer; the library substitutes the token's own tenant. */
const isTenantTemplate = (named: string, issuer: string) =>
  /^https:\/\/login\.microsoftonline\.com\/(common|organizations|consumers)\/v2\.0$/.test(issuer) &&
  named === "https://login.microsoftonline.com/{tenantid}/v2.0";

const authenticationFor = (
  { clientSecret, clientAuthentication }: IdentityProviderSettings,
  server: client.ServerMetadata,
): client.ClientAuth => {
  if (clientSecret === null) return client.None();
  const offered = server.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
  const way =
    clientAuthentication ?? (offered.includes("client_secret_basic") ? "client_secret_basic" : "client_secret_post");
  return way === "client_secret_basic" ? client.ClientSecretBasic(clientSecret) : client.ClientSecretPost(clientSecret);
};

type Claims = Readonly<Record<string, unknown>>;

const identityOf = (
  who: Pick<IdentityProfile, "issuer" | "subject">,
  idToken: Claims,
  userinfo: Claims,
): IdentityProfile => {
  // The address and whether it is verified must come from the same place.
  const about = idToken["email"] === undefined ? userinfo : idToken;
  const email = EmailAddress.safeParse(about["email"]);
  return {
    ...who,
    email: email.success ? email.data : null,
    emailVerified: email.success && about["email_verified"] === true,
    fullName: nameOf(idToken["name"] ?? userinfo["name"]),
    username: text(idToken["preferred_username"] ?? userinfo["preferred_username"], 200),
  };
};

/** The text of a claim, if it is text, not too long, and can be shown and stored. */
export const text = (claim: unknown, maxLength: number): string | null =>
  typeof claim === "string" && claim.trim() !== "" && claim.length <= maxLength && isPrintable(claim)
    ? claim.trim()
    : null;

/** A person's name in a claim. Characters that must not be shown are removed, since nobody here can correct it. */
export const nameOf = (claim: unknown): string | null =>
  typeof claim === "string" ? displayNameFrom(claim, 200) : null;

const isPrintable = (value: string) => value.isWellFormed() && !/\p{Cc}/u.test(value);
