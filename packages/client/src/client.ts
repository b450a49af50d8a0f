// Owns the client: the tRPC client of the contract, narrowed to what its caller was granted.

import type { AppRouter, contract, Granted, RouterOf, Scope } from "@lockstep/contract";
import { createTRPCClient, httpBatchLink, type TRPCClient } from "@trpc/client";
import { createSession } from "./session.ts";
import { memoryTokens, type TokenStore } from "./tokens.ts";

declare const ownApp: unique symbol;

/** Stands for a first-party app, which may call every operation. */
export type OwnApp = typeof ownApp;

/** The router as the holder of `S` sees it. */
export type RouterFor<S extends Scope | OwnApp> = [S] extends [Scope]
  ? RouterOf<Granted<typeof contract, S>>
  : AppRouter;

/** The client as the holder of `S` sees it: a plain tRPC client, for whatever takes one. */
export type Client<S extends Scope | OwnApp = OwnApp> = TRPCClient<RouterFor<S>>;

/** What a client is made from. */
export interface ClientOptions {
  /** Where the server is, as an absolute URL: `https://api.example.com`. RPC is found below it, at `trpc`. */
  readonly url: string | URL;
  /** Where tokens are kept. Memory unless given. */
  readonly tokens?: TokenStore;
  /** Replaces the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
}

/** The most calls that travel in one request; the server refuses more. */
const maxBatchItems = 20;

/** The longest URL of a request, in characters: common proxies refuse a request line above 8 KiB. */
const maxUrlLength = 8000;

/**
 * A tRPC client of the contract. Signing in through it (`auth.login`) keeps the token, which every later
 * call carries; `auth.logout`, or a server that says the session has ended, forgets it. A sign-out that
 * fails keeps it, so that it can be tried again.
 *
 * Calls made in the same tick travel in one request. They fail with a `TRPCClientError`: read it with
 * `errorOf` or tRPC's own `safe`.
 *
 * @typeParam S what the caller was granted. Left out: an app of our own, which may call everything. A third
 * party names its scopes, and calling anything else does not compile; it brings its token in `tokens`.
 * @throws TypeError when `url` is not an absolute URL
 *
 * @example
 * ```ts
 * const ours = createClient({ url: "https://api.example.com" });
 * await ours.auth.login.mutate({ username, password });
 * const me = await ours.user.me.query();
 *
 * const theirs = createClient<"profile:read">({ url, tokens: memoryTokens({ accessToken }) });
 * ```
 */
export const createClient = <S extends Scope | OwnApp = OwnApp>(options: ClientOptions): Client<S> => {
  const session = createSession(options.tokens ?? memoryTokens());
  const { fetch } = options;
  const client = createTRPCClient<AppRouter>({
    links: [
      session.link,
      httpBatchLink({
        url: rpcUrl(options.url),
        maxItems: maxBatchItems,
        maxURLLength: maxUrlLength,
        headers: session.headers,
        ...(fetch && { fetch: (url, init) => fetch(url, init as RequestInit) }),
      }),
    ],
  });
  // Narrower than what it is: the same object, with the operations that were not granted out of sight.
  return client as unknown as Client<S>;
};

/** `trpc` below the server's address, which may have a path of its own. */
const rpcUrl = (server: string | URL): URL => {
  const base = String(server);
  return new URL("trpc", base.endsWith("/") ? base : `${base}/`);
};
