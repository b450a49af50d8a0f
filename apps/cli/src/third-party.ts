// The demo as a third-party client: a user grants it access in a browser or with a device code, and it never sees a
// password. It requests one scope, and the type of its client follows from the same list.

import type { Contract } from "@app/contract";
import { createClient, errorReader, memoryTokens, type TokenStore } from "@lockstep/client";
import { createAuthorization } from "@lockstep/client/oauth";
import { safe } from "@trpc/client";
import { listenForRedirect } from "./loopback.ts";
import { authorizationFailure, DemoError, type Show, stripControls, unreachable } from "./report.ts";

const errorOf = errorReader<Contract>();

export interface ThirdPartyOptions {
  readonly url: string;
  readonly tokens: TokenStore;
  readonly show: Show;
}

/** How the user grants access. */
export type Flow = { readonly kind: "browser"; readonly open: (url: string) => void } | { readonly kind: "device" };

/** The public client that every development server registers. */
const clientId = "lockstep-cli";

export const authorizationAt = (url: string, tokens: TokenStore) =>
  createAuthorization({ issuer: url, clientId, scopes: ["openid", "profile:read", "offline_access"], tokens });

type DemoAuthorization = ReturnType<typeof authorizationAt>;

/** A client that has the operations of the requested scope, and those that need none. */
export const thirdParty = (url: string, authorization: DemoAuthorization) =>
  createClient<Contract, "profile:read">({ url, authorization });

/** @throws DemoError when access is not granted, or a call has another result than it should */
export const runThirdParty = async ({ url, tokens, show }: ThirdPartyOptions, flow: Flow): Promise<void> => {
  const authorization = authorizationAt(url, tokens);
  const client = thirdParty(url, authorization);

  // `--device` always shows the device flow, also when tokens are stored.
  if (flow.kind === "device" || !(await authorization.allows("profile:read")))
    await signIn(authorization, flow, { url, show });
  let [me, refusal] = await safe(client.user.me.query());
  const code = errorOf("user.me", refusal)?.code;
  if (code === "UNAUTHENTICATED" || code === "INVALID_TOKEN") {
    // The stored tokens have expired, or the grant was revoked.
    await signIn(authorization, flow, { url, show });
    [me, refusal] = await safe(client.user.me.query());
  }
  if (!me) throw failureOf(refusal, url);
  show("user.me, granted", {
    username: me.username,
    name: me.fullName,
    "e-mail": me.email ?? "none",
    role: me.role,
  });

  // This call does not compile with `client`. A first-party client has it, so use one here.
  const stored = await tokens.get();
  const unrestricted = createClient<Contract>({
    url,
    tokens: memoryTokens(stored && { accessToken: stored.accessToken }),
  });
  const [, forbidden] = await safe(unrestricted.user.update.mutate({ fullName: me.fullName }));
  const error = errorOf("user.update", forbidden);
  if (!forbidden || error?.code !== "INSUFFICIENT_SCOPE") {
    throw new DemoError("A call without its scope was not refused with INSUFFICIENT_SCOPE.");
  }
  show("user.update, not granted", {
    refused: `${error.httpStatus} ${error.code}`,
    message: forbidden.message,
    needs: error.details.scopes.join(" "),
    challenge: error.wwwAuthenticate ?? "none",
  });
};

/** Revokes the grant. @throws DemoError when the server cannot be reached */
export const signOut = async ({ url, tokens, show }: ThirdPartyOptions): Promise<void> => {
  const stored = await tokens.get();
  try {
    await authorizationAt(url, tokens).revoke();
  } catch (error) {
    throw authorizationFailure(error, url);
  }
  show("signed out", { grant: stored ? "revoked" : "none" });
};

type SignInOptions = Pick<ThirdPartyOptions, "url" | "show">;

const signIn = async (authorization: DemoAuthorization, flow: Flow, { url, show }: SignInOptions) => {
  try {
    const { subject, scopes } = await (flow.kind === "device"
      ? signInByDevice(authorization, show)
      : signInByBrowser(authorization, flow.open, show));
    show("signed in", { subject: subject ?? "none", scopes: scopes.join(" ") });
  } catch (error) {
    throw authorizationFailure(error, url);
  }
};

const signInByBrowser = async (authorization: DemoAuthorization, open: (url: string) => void, show: Show) => {
  const { redirectUri, responseTo, close } = await listenForRedirect();
  try {
    const { url, pending } = await authorization.authorize({ redirectUri });
    const response = responseTo(pending.state);
    show("Sign in with your browser at", { address: url });
    open(url);
    return await authorization.redeem(await response, pending);
  } finally {
    close();
  }
};

const signInByDevice = async (authorization: DemoAuthorization, show: Show) => {
  const { verificationUri, userCode, redeem } = await authorization.authorizeDevice();
  show("Sign in on any device", { address: verificationUri, code: userCode });
  return redeem();
};

const failureOf = (failure: Error | null | undefined, url: string): DemoError => {
  const error = errorOf("user.me", failure);
  if (!error) throw failure;
  return error.code === "UNREACHABLE"
    ? unreachable(url)
    : new DemoError(stripControls(`${failure?.message} (${error.code})`));
};
