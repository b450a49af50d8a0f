// Owns what a client's assertion (`private_key_jwt`, RFC 7523 §3) must say beyond what the library checks: one audience,
// and a short life. The library remembers its `jti` as long as the assertion is accepted.

import { type Client, errors, type KoaContextWithOIDC } from "oidc-provider";
import { assertsToTokenEndpointProperty } from "./adapter.ts";
import { paths } from "./paths.ts";

/** How long an assertion may live from now on. */
const lifetimeSeconds = 5 * 60;

/** How far ahead the client's clock may be. */
const clockToleranceSeconds = 15;

/**
 * An assertion that names several audiences, or one that other servers answer to as well, could be replayed between
 * them. The issuer is the one name that is ours alone (OpenID Connect Core §9 with errata; FAPI 2.0 §5.3.2.1).
 * @throws InvalidClientAuth
 */
export const checkAssertion = (
  { oidc }: KoaContextWithOIDC,
  claims: { readonly aud?: unknown; readonly exp?: unknown },
  client: Client,
): void => {
  const audience = client[assertsToTokenEndpointProperty] === true ? `${oidc.issuer}${paths.token}` : oidc.issuer;
  const named = [claims.aud].flat();
  if (named.length !== 1 || named[0] !== audience)
    throw new errors.InvalidClientAuth(`aud must be ${audience}, and nothing besides`);
  const latest = Math.floor(Date.now() / 1000) + lifetimeSeconds + clockToleranceSeconds;
  if (typeof claims.exp !== "number" || claims.exp > latest)
    throw new errors.InvalidClientAuth(`exp must be at most ${lifetimeSeconds} seconds away`);
};
