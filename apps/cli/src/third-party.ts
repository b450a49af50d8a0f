// The demo as an application of somebody else: a person lets it in, in a browser or for a device, and it never sees
// a password. It asks for one scope; the same list decides what its client has.

import type { Contract } from "@app/contract";
import { createClient, errorReader, memoryTokens, type TokenStore } from "@lockstep/client";
import { createAuthorization } from "@lockstep/client/oauth";
import { safe } from "@trpc/client";
import { listenForRedirect } from "./loopback.ts";
import { authorizationFailure, DemoError, nobodyAt, type Show, visible } from "./report.ts";

const errorOf = errorReader<Contract>();

export interface ThirdPartyOptions {
  readonly url: string;
  readonly tokens: TokenStore;
  readonly show: Show;
}

/** How a person is asked. */
export type Asking = { readonly by: "browser"; readonly open: (address: string) => void } | { readonly by: "device" };

/** The application that development registers. It keeps no secret: everybody has its code. */
const clientId = "lockstep-cli";

export const authorizationAt = (url: string, tokens: TokenStore) =>
  createAuthorization({ issuer: url, clientId, scopes: ["openid", "profile:read", "offline_access"], tokens });

type DemoAuthorization = ReturnType<typeof authorizationAt>;

/** A client of what was asked for: it has no other operation that needs a grant. */
export const thirdParty = (url: string, authorization: DemoAuthorization) =>
  createClient<Contract, "profile:read">({ url, authorization });

/** @throws DemoError when nobody lets it in, or a call is answered as it should not be. */
export const runThirdParty = async ({ url, tokens, show }: ThirdPartyOptions, asking: Asking): Promise<void> => {
  const authorization = authorizationAt(url, tokens);
  const client = thirdParty(url, authorization);

  // Whoever names a device wants to see that flow, whatever access is stored.
  if (asking.by === "device" || !(await authorization.allows("profile:read")))
    await signIn(authorization, asking, { url, show });
  let [me, refusal] = await safe(client.user.me.query());
  const code = errorOf("user.me", refusal)?.code;
  if (code === "UNAUTHENTICATED" || code === "INVALID_TOKEN") {
    // What was kept since the last time is over: it was revoked, or is too old.
    await signIn(authorization, asking, { url, show });
    [me, refusal] = await safe(client.user.me.query());
  }
  if (!me) throw refused(refusal, url);
  show("user.me, which was asked for", {
    username: me.username,
    name: me.fullName,
    "e-mail": me.email ?? "none",
    role: me.role,
  });

  // What this client's type leaves out, called all the same: the client of an app of our own has it.
  const held = await tokens.get();
  const forced = createClient<Contract>({ url, tokens: memoryTokens(held && { accessToken: held.accessToken }) });
  const [, overreach] = await safe(forced.demo.greeting.query());
  const error = errorOf("demo.greeting", overreach);
  if (!overreach || error?.code !== "INSUFFICIENT_SCOPE") {
    throw new DemoError("A call that was not granted was to be refused as INSUFFICIENT_SCOPE, and was not.");
  }
  show("demo.greeting, which was not", {
    refused: `${error.httpStatus} ${error.code}`,
    message: overreach.message,
    needs: error.details.scopes.join(" "),
    challenge: error.wwwAuthenticate ?? "none",
  });
};

/** Gives the access back. @throws DemoError when the server cannot be told */
export const signOut = async ({ url, tokens, show }: ThirdPartyOptions): Promise<void> => {
  const held = await tokens.get();
  try {
    await authorizationAt(url, tokens).revoke();
  } catch (error) {
    throw authorizationFailure(error, url);
  }
  show("signed out", { access: held ? "given back" : "there was none" });
};

type SignInOptions = Pick<ThirdPartyOptions, "url" | "show">;

const signIn = async (authorization: DemoAuthorization, asking: Asking, { url, show }: SignInOptions) => {
  try {
    const { subject, scopes } = await (asking.by === "device"
      ? signInByDevice(authorization, show)
      : signInByBrowser(authorization, asking.open, show));
    show("signed in", { subject: subject ?? "none", scopes: scopes.join(" ") });
  } catch (error) {
    throw authorizationFailure(error, url);
  }
};

const signInByBrowser = async (authorization: DemoAuthorization, open: (address: string) => void, show: Show) => {
  const { redirectUri, answerTo, close } = await listenForRedirect();
  try {
    const { url, pending } = await authorization.authorize({ redirectUri });
    const answer = answerTo(pending.state);
    show("Sign in with your browser, at", { address: url });
    open(url);
    return await authorization.redeem(await answer, pending);
  } finally {
    close();
  }
};

const signInByDevice = async (authorization: DemoAuthorization, show: Show) => {
  const { verificationUri, userCode, redeem } = await authorization.authorizeDevice();
  show("Sign in on any device", { address: verificationUri, code: userCode });
  return redeem();
};

const refused = (failure: Error | null | undefined, url: string): DemoError => {
  const error = errorOf("user.me", failure);
  if (!error) throw failure;
  return error.code === "UNREACHABLE" ? nobodyAt(url) : new DemoError(visible(`${failure?.message} (${error.code})`));
};
