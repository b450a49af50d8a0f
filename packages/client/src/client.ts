// Owns the client: the tRPC client of the contract, narrowed to what its caller was granted.

import type { AppRouter, contract, Granted, RouterOf, Scope } from "@lockstep/contract";
import { createTRPCClient, httpBatchLink, type TRPCClient } from "@trpc/client";
import { sessionLink } from "./session-link.ts";
import { memoryTokens, type TokenStore } from "./tokens.ts";

declare const ownApp: unique symbol;

/** Stands for a first-party app, which may call every operation. */
export type OwnApp = typeof ownApp;

/** The router as the holder of `S` sees it. */
export type RouterFor<S extends Scope | OwnApp> = [S] extends [Scope]
  ? RouterOf<Granted<typeof contract, S>>
  : AppRouter;

export type Client<S extends Scope | OwnApp = OwnApp> = TRPCClient<RouterFor<S>>;

export interface ClientOptions {
  /** Where the server is: `https://api.example.com`. RPC is found below it, at `/trpc`. */
  readonly url: string | URL;
  /** Where tokens are kept. Memory unless given. */
  readonly tokens?: TokenStore;
  /** Replaces the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
}

/** The most calls that travel in one request; the server refuses more. */
const maxBatchItems = 20;

/**
 * A tRPC client of the contract. Signing in through it (`auth.login`) keeps the token, which every later
 * call carries; `auth.logout`, or a server that says the session has ended, forgets it.
 *
 * `createClient({ url })` is for our own apps. A third party names what it was granted, and calling
 * anything else does not compile: `createClient<"profile:read">({ url, tokens })`.
 *
 * Calls fail with a `TRPCClientError`; read it with `errorOf` or tRPC's own `safe`.
 */
export const createClient = <S extends Scope | OwnApp = OwnApp>(options: ClientOptions): Client<S> => {
  const tokens = options.tokens ?? memoryTokens();
  const client = createTRPCClient<AppRouter>({
    links: [
      sessionLink(tokens),
      httpBatchLink({
        url: new URL("/trpc", options.url),
        maxItems: maxBatchItems,
        headers: () => {
          const held = tokens.get();
          return held ? { authorization: `Bearer ${held.accessToken}` } : {};
        },
        ...(options.fetch && { fetch: options.fetch as never }),
      }),
    ],
  });
  // Narrower than what it is: the same object, with the operations that were not granted out of sight.
  return client as unknown as Client<S>;
};
