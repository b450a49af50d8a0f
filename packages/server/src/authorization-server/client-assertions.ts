// Owns the checks of a client's assertion (`private_key_jwt`, RFC 7523 §3) that the library lacks: one audience and a
// short lifetime. The library remembers its `jti` for as long as the assertion is accepted.

import { type Client, errors, type KoaContextWithOIDC } from "oidc-provider";
import { assertsToTokenEndpointProperty } from "./adapter.ts";
import { paths } from "./paths.ts";

/** The longest remaining lifetime of an assertion. */
const lifetimeSeconds = 5 * 60;

/** How far the client's clock may be ahead. */
const clockToleranceSeconds = 15;

/**
 * An assertion with several audiences, or with one that other servers share, could be replayed between them. Only the
 * issuer is unique to this server (OpenID Connect Core §9 with errata; FAPI 2.0 §5.3.2.1).
 * @throws InvalidClientAuth
 */
export const checkAssertion = (
  { oidc }: KoaContextWithOIDC,
  claims: { readonly aud?: unknown; readonly exp?: unknown },
  client: Client,
): void => {
  const audience = client[assertsToTokenEndpointProperty] === true ? `${oidc.issuer}${paths.token}` : oidc.issuer;
  const named = [claims.aud].flat();
  if (named.length !== 1 || named[0] !== audience) throw new errors.InvalidClientAuth(`aud must be ${audience} alone`);
  const latest = Math.floor(Date.now() / 1000) + lifetimeSeconds + clockToleranceSeconds;
  if (typeof claims.exp !== "number" || claims.exp > latest)
    throw new errors.InvalidClientAuth(`exp must be at most ${lifetimeSeconds} seconds away`);
};
