// Owns the scopes of an authorization request where the library's reading does not suit real clients: requests without
// a scope, requests with only unknown scopes, and `offline_access`.

import { decodeJwt } from "jose";
import { type Client, errors, type KoaContextWithOIDC } from "oidc-provider";
import type { Scopes } from "../domain/tokens/scopes.ts";

/**
 * Completes the scopes of an authorization request after the library has checked those that it knows.
 * @throws InvalidScope when every scope is unknown, before the person is asked
 */
export const completeScopes = (ctx: KoaContextWithOIDC, client: Client, scopes: Pick<Scopes, "isGrantable">): void => {
  const { params } = ctx.oidc;
  if (!params) return;
  const asked = namesIn(askedScope(ctx));
  if (asked.length === 0) {
    // RFC 6749 §3.3: the default scope. MCP clients name none.
    params["scope"] = client.scope;
    return;
  }
  if (!asked.some(scopes.isGrantable)) throw new errors.InvalidScope("unknown scopes", asked.join(" "));
  // The library drops `offline_access` without `prompt=consent` (OpenID Connect Core §11). A refresh token is issued
  // either way, and clients repeat the whole scope when they use it.
  if (asked.includes(offlineAccess) && mayStayConnected(client)) params["scope"] = asked.join(" ");
};

const offlineAccess = "offline_access";

const mayStayConnected = (client: Client): boolean =>
  client.grantTypeAllowed("refresh_token") &&
  (client.scope === undefined || namesIn(client.scope).includes(offlineAccess));

/** The scope that the client sent in this request, or in the one that it pushed (RFC 9126). */
const askedScope = ({ oidc, query }: KoaContextWithOIDC): unknown => {
  const pushed = oidc.entities.PushedAuthorizationRequest?.["request"];
  if (typeof pushed === "string") return decodeJwt(pushed)["scope"];
  return oidc.body?.["scope"] ?? query["scope"];
};

const namesIn = (scope: unknown): string[] =>
  typeof scope === "string" ? [...new Set(scope.split(" ").filter(Boolean))] : [];
