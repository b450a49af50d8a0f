// Owns when a browser is redirected to a client without a click. Anybody can register a client, so automatic redirects
// after errors and sign-outs would make this server an open redirector (RFC 9700 §4.11.2). They happen for verified
// clients and for people who granted the client access; all others get a page that names the destination.

import type { Client, KoaContextWithOIDC, Provider } from "oidc-provider";
import type { Clients } from "../domain/clients/clients.ts";
import type { Grants } from "../domain/clients/grants.ts";
import { verifiedProperty } from "./adapter.ts";
import { placeOf } from "./interactions.ts";
import { allowFormToReach, type ShowPage } from "./pages.ts";
import { paths } from "./paths.ts";

interface Refusal {
  readonly error: string;
  readonly description: string | null;
}

/** Middleware that shows a page with the destination in place of an automatic redirect. */
export const askBeforeLeaving = (
  provider: Provider,
  { clients, grants, show }: { clients: Clients; grants: Grants; show: ShowPage },
) => {
  const refusals = new WeakMap<KoaContextWithOIDC, Refusal>();
  provider.on("authorization.error", (ctx, { error, error_description }) => {
    refusals.set(ctx, { error, description: error_description ?? null });
  });
  provider.on("server_error", (ctx) => {
    refusals.set(ctx, { error: "server_error", description: null });
  });

  const isTrusted = (client: Client | undefined) => client?.[verifiedProperty] === true;

  /** Whether the person knows the client: they granted it access in its present form, or have just answered it. */
  const isKnown = async ({ oidc }: KoaContextWithOIDC): Promise<boolean> => {
    if (oidc.entities.Interaction?.result) return true;
    const { accountId } = oidc.session ?? {};
    if (!accountId || !oidc.client) return false;
    return (await grants.scopesOf(accountId, oidc.client.clientId)).size > 0;
  };

  const ask = async (
    ctx: KoaContextWithOIDC,
    policy: string,
    leave: {
      to: string;
      refusal: Refusal | null;
      action: string;
      fields: Record<string, string> | null;
    },
  ) => {
    const { to, refusal, action, fields } = leave;
    const client = ctx.oidc.client;
    const view = client ? await clients.view(client.clientId) : null;
    ctx.remove("location");
    // The library allowed its own script in this header.
    ctx.set("content-security-policy", policy);
    if (fields) allowFormToReach(ctx, to);
    ctx.status = refusal ? 400 : 200;
    await show(ctx, {
      page: "leave",
      client: view,
      to: placeOf(to) ?? to,
      action,
      fields,
      ...(refusal && { refusal }),
    });
  };

  return async (ctx: KoaContextWithOIDC, next: () => Promise<void>) => {
    const policy = String(ctx.response.get("content-security-policy"));
    await next();
    // Other paths have no route.
    if (!ctx.oidc?.route) return;
    const submitsItself = String(ctx.response.get("content-security-policy")).includes("'sha256-");

    if (ctx.oidc.route === "end_session") {
      const to = ctx.oidc.session?.state?.["postLogoutRedirectUri"];
      // When a user is signed in, the page that asks them to sign out names the destination. A hint proves nothing: the
      // owner of the client can get one for their own account.
      if (!submitsItself || typeof to !== "string" || isTrusted(ctx.oidc.client)) return;
      const fields = { xsrf: String(ctx.oidc.session?.state?.["secret"]), logout: "yes" };
      await ask(ctx, policy, { to, refusal: null, action: `${paths.end_session}/confirm`, fields });
      return;
    }

    const refusal = refusals.get(ctx);
    const location = ctx.response.get("location");
    if (!refusal || !(location || submitsItself) || isTrusted(ctx.oidc.client) || (await isKnown(ctx))) return;
    if (location) return ask(ctx, policy, { to: location, refusal, action: location, fields: null });
    const { redirect_uri: to, state } = ctx.oidc.params ?? {};
    const fields = {
      error: refusal.error,
      ...(refusal.description !== null && { error_description: refusal.description }),
      ...(typeof state === "string" && { state }),
      iss: provider.issuer, // RFC 9207
    };
    await ask(ctx, policy, { to: String(to), refusal, action: String(to), fields });
  };
};
