// Owns the stored form of a client's registration: the names of RFC 7591 §2 and OpenID Connect Registration §2, which
// `oidc-provider` reads. The domain stores it without reading it (`RegistrationFormat`).

import { isDeepStrictEqual } from "node:util";
import { type ClientKind, ClientName, identityScopes, NativeRedirectUri, WebRedirectUri } from "@lockstep/kit";
import type { ClientDetails, RegistrationFormat } from "../domain/clients/clients.ts";

/**
 * A registration with the names of the wire, without `client_id`, `client_name` and `client_secret`. @see RFC 7591 §2
 */
export interface Registration {
  readonly application_type?: string;
  readonly client_uri?: string;
  readonly redirect_uris?: readonly string[];
  readonly post_logout_redirect_uris?: readonly string[];
  readonly grant_types?: readonly string[];
  readonly response_types?: readonly string[];
  readonly token_endpoint_auth_method?: string;
  readonly scope?: string;
  readonly jwks_uri?: string;
  readonly backchannel_logout_uri?: string;
  readonly require_pushed_authorization_requests?: boolean;
  readonly dpop_bound_access_tokens?: boolean;
  readonly [name: string]: unknown;
}

const keepsSecret = ({ kind, jwksUri }: Pick<ClientDetails, "kind" | "jwksUri">) =>
  (kind === "web" || kind === "service") && jwksUri === null;

const usesSecret = ({ token_endpoint_auth_method = "client_secret_basic" }: Registration) =>
  token_endpoint_auth_method.startsWith("client_secret_");

const deviceCode = "urn:ietf:params:oauth:grant-type:device_code";

const grantTypes = {
  web: ["authorization_code", "refresh_token"],
  browser: ["authorization_code", "refresh_token"],
  native: ["authorization_code", "refresh_token", deviceCode],
  service: ["client_credentials"],
} satisfies Record<ClientKind, string[]>;

const encode = (input: ClientDetails): Registration => {
  const forPeople = input.kind !== "service";
  return {
    application_type: input.kind === "native" ? "native" : "web",
    ...(input.uri !== null && { client_uri: input.uri }),
    redirect_uris: input.redirectUris,
    post_logout_redirect_uris: input.postLogoutRedirectUris,
    grant_types: grantTypes[input.kind],
    response_types: forPeople ? ["code"] : [],
    token_endpoint_auth_method: keepsSecret(input) ? "client_secret_basic" : input.jwksUri ? "private_key_jwt" : "none",
    ...(input.jwksUri !== null && { jwks_uri: input.jwksUri }),
    ...(input.backchannelLogoutUri !== null && {
      backchannel_logout_uri: input.backchannelLogoutUri,
      backchannel_logout_session_required: true,
    }),
    ...(input.requirePushedRequests && { require_pushed_authorization_requests: true }),
    ...(input.requireDpop && { dpop_bound_access_tokens: true }),
    // Without a scope, the library would allow the client to request all. `openid` grants nothing to a client without a
    // person.
    scope: [...(forPeople ? Object.keys(identityScopes) : []), ...input.scopes].join(" ") || "openid",
  };
};

/**
 * A registration that came over the wire can contain more than details do, or the same in another form. A change keeps
 * the stored form of everything that it does not affect.
 */
const change = (stored: Registration, before: ClientDetails, after: ClientDetails): Registration => {
  const sameKind = before.kind === after.kind;
  const [encodedBefore, encodedAfter] = [encode(before), encode(after)];
  // Details do not include the identity scopes.
  const identity = (stored.scope ?? encodedBefore.scope ?? "")
    .split(" ")
    .filter((scope) => Object.hasOwn(identityScopes, scope));
  const next: Registration = sameKind
    ? { ...encodedAfter, scope: [...identity, ...after.scopes].join(" ") || "openid" }
    : encodedAfter;
  const result: Record<string, unknown> = { ...stored };
  const changes = (name: string) => !sameKind || !isDeepStrictEqual(encodedBefore[name], encodedAfter[name]);
  for (const name of new Set([...Object.keys(encodedBefore), ...Object.keys(encodedAfter)])) {
    if (!changes(name)) continue;
    if (next[name] === undefined) delete result[name];
    else result[name] = next[name];
  }
  // These belong to the earlier authentication method, and are refused beside another.
  if (changes("jwks_uri")) delete result["jwks"];
  if (changes("token_endpoint_auth_method")) delete result["token_endpoint_auth_signing_alg"];
  return result;
};

const decode = (registration: Registration): ClientDetails => ({
  kind: kindOf(registration),
  uri: registration.client_uri ?? null,
  redirectUris: [...(registration.redirect_uris ?? [])],
  postLogoutRedirectUris: [...(registration.post_logout_redirect_uris ?? [])],
  scopes: (registration.scope ?? "").split(" ").filter(Boolean),
  jwksUri: registration.jwks_uri ?? null,
  backchannelLogoutUri: registration.backchannel_logout_uri ?? null,
  requirePushedRequests: registration.require_pushed_authorization_requests ?? false,
  requireDpop: registration.dpop_bound_access_tokens ?? false,
});

export const registrationFormat: RegistrationFormat = { encode, decode, change, usesSecret };

/** The first rule that a registration breaks, in words. `null`: it breaks none. @see RFC 9700 §2.6, RFC 8252 §7 */
export const registrationProblem = (registration: Registration): string | null => {
  const { grant_types, token_endpoint_auth_method, redirect_uris, post_logout_redirect_uris } = registration;
  // RFC 6749 §4.4: without authentication, anybody could be this client.
  if (token_endpoint_auth_method === "none" && grant_types?.includes("client_credentials"))
    return "grant_types: client_credentials requires client authentication";
  if (registration["client_name"] !== undefined) {
    const name = ClientName.safeParse(registration["client_name"]);
    if (!name.success) return `client_name: ${messagesOf(name.error)}`;
  }
  const RedirectUri = kindOf(registration) === "native" ? NativeRedirectUri : WebRedirectUri;
  for (const [property, uris] of Object.entries({ redirect_uris, post_logout_redirect_uris })) {
    for (const uri of uris ?? []) {
      const parsed = RedirectUri.safeParse(uri);
      if (!parsed.success) return `${property}: ${messagesOf(parsed.error)}`;
    }
  }
  return null;
};

const messagesOf = ({ issues }: { issues: readonly { message: string }[] }) =>
  issues.map(({ message }) => message).join("; ");

const kindOf = (registration: Registration): ClientKind => {
  if (!registration.response_types?.length && registration.grant_types?.includes("client_credentials"))
    return "service";
  if (registration.application_type === "native") return "native";
  return registration.token_endpoint_auth_method === "none" ? "browser" : "web";
};
