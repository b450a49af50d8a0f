// The page of a third-party client, on an origin of its own.

import type { Tokens } from "@lockstep/client";
import { createAuthorization } from "@lockstep/client/oauth";

/** What tests call in the page. */
const page = {
  async begin(issuer: string, clientId: string) {
    const redirectUri = `${location.origin}/callback`;
    const { url, pending } = await createAuthorization({ issuer, clientId, scopes }).authorize({ redirectUri });
    sessionStorage.setItem("authorization", JSON.stringify({ issuer, clientId, pending }));
    return url;
  },
  async finish() {
    const { issuer, clientId, pending } = JSON.parse(sessionStorage.getItem("authorization") ?? "");
    const authorization = createAuthorization({ issuer, clientId, scopes });
    const { subject } = await authorization.redeem(location.href, pending);
    const tokens = (await authorization.tokens.get()) as Tokens;
    const next = await authorization.refresh(tokens);
    // RPC answers only pages of origins that the server lists. Others call the same operations over REST.
    const headers = { authorization: `Bearer ${next?.accessToken}` };
    const { username } = await (await fetch(`${issuer}/users/me`, { headers })).json();
    await authorization.revoke();
    const { status } = await fetch(`${issuer}/users/me`, { headers });
    return { subject, username, status };
  },
};
export type ThirdPartyPage = typeof page;

const scopes = ["openid", "profile:read"] as const;

Object.assign(globalThis, { page });
