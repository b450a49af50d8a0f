// Owns the client: the tRPC client of the contract, narrowed to what its caller was granted.

import type {
  AnyContract,
  EngineContract,
  Granted,
  RoutedContract,
  RouterOf,
  ScopeOf,
  SessionEndReason,
} from "@lockstep/kit";
import { createTRPCClient, httpBatchLink, httpLink, splitLink, type TRPCClient } from "@trpc/client";
import { withDeadline } from "./deadline.ts";
import { type EngineRouter, type RpcFailure, readFailure } from "./errors.ts";
import { onDemand } from "./on-demand.ts";
import type { ConsentNeeded, StepUp } from "./prompts.ts";
import { type ClientSession, createSession, type SessionOptions } from "./session.ts";
import { createSessionLink, credentialPaths } from "./session-link.ts";
import { browserTabs, type Tabs } from "./tabs.ts";
import { type IssuedTokens, memoryTokens, type TokenStore, type Tokens } from "./tokens.ts";

declare const ownApp: unique symbol;

/** Stands for a first-party app, which may call every operation. */
export type OwnApp = typeof ownApp;

/** What of a contract a client is typed by. */
export type ClientContract = RoutedContract & Pick<AnyContract, "scopes">;

/** The router of the contract `C` as the holder of `S` sees it. */
export type RouterFor<C extends ClientContract, S extends ScopeOf<C> | OwnApp = OwnApp> = [S] extends [string]
  ? RouterOf<Granted<C, S>>
  : RouterOf<C>;

/** The client of the contract `C` as the holder of `S` sees it: a plain tRPC client, for whatever takes one. */
export type Client<C extends ClientContract = EngineContract, S extends ScopeOf<C> | OwnApp = OwnApp> = TRPCClient<
  RouterFor<C, S>
>;

/**
 * What a third party was allowed by a person: `createAuthorization` of `@lockstep/client/oauth` makes one.
 * @typeParam S the scopes that it asks for
 */
export interface Authorization<in S> {
  readonly tokens: TokenStore;
  /** Whether the person has allowed this: a person may have allowed less than was asked. */
  readonly allows: (scope: S) => Promise<boolean>;
  /**
   * Asks for the tokens that take the place of `held`. `null`: the person, or time, has ended what was allowed.
   * Rejects when the server could not be asked, which ends nothing.
   */
  readonly refresh: (held: Tokens) => Promise<IssuedTokens | null>;
}

/** The scopes that an authorization asks for, as `createClient` takes them. */
export type ScopesOf<A> = A extends Authorization<infer S> ? S : never;

/** What every client is made from. */
interface CommonOptions {
  /** Where the server is, as an absolute URL: `https://api.example.com`. RPC is found below it, at `trpc`. */
  readonly url: string | URL;
  /** Replaces the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
  /** Called once when a session is over, by whomever, with why. In each tab of a browser. */
  readonly onSignedOut?: (reason: SessionEndReason) => void;
  /**
   * Called when an operation is refused because the person proved too long ago who they are. Once they have, answer
   * `true`: the call is made once more, unless it is known that somebody else has signed in instead. With `false`, or when this fails, it stays refused. Calls that are refused
   * meanwhile wait for the same answer, so what this does must not wait for one of them.
   */
  readonly onStepUp?: (event: StepUp) => Promise<boolean>;
  /** The same, when an operation is refused because the person has not allowed the client to do it. */
  readonly onConsentNeeded?: (event: ConsentNeeded) => Promise<boolean>;
  /** Epoch milliseconds, in the place of the machine's clock: for tests. */
  readonly now?: () => number;
}

/** Of a client that signs its user in, or brings a token. */
interface OwnSession {
  /**
   * Where the refresh token travels. `cookie`: for pages of the server's own origin, whose browser keeps it where no
   * script can read it, and where all tabs share one session. `body`, unless given: everybody else keeps it in `tokens`.
   */
  readonly transport?: "body" | "cookie";
  /** Where tokens are kept. Memory unless given, which is right for `cookie`. */
  readonly tokens?: TokenStore;
  /** The tabs that share the session, in the place of the browser's own: for tests, and platforms that have others. */
  readonly tabs?: Tabs | null;
  readonly authorization?: never;
}

/** Of a third party's client. */
interface Authorized<S> {
  /** Where its tokens come from, and what it may call. */
  readonly authorization: Authorization<S>;
  readonly transport?: never;
  readonly tokens?: never;
  readonly tabs?: never;
}

/** What a client is made from. */
export type ClientOptions<S = OwnApp> = CommonOptions & (OwnSession | Authorized<S>);

/** The most calls that travel in one request; the server refuses more. */
const maxBatchItems = 20;

/** The longest URL of a request, in characters: common proxies refuse a request line above 8 KiB. */
const maxUrlLength = 8000;

/**
 * A tRPC client of the contract. Signing in through it (`auth.login`) keeps the tokens; every later call carries the
 * access token, which is refreshed ahead of its time, or when the server refuses it: then the call is made once more.
 * `auth.logout`, or a server that says the session has ended, forgets them. A server that cannot be reached ends
 * nothing.
 *
 * Calls made in the same tick travel in one request. They fail with a `TRPCClientError`: read it with
 * `errorOf` or tRPC's own `safe`. Whether somebody is signed in: `sessionOf`.
 *
 * @typeParam C the contract of the backend: `typeof contract` of its contract package. Left out: the operations that
 * every backend has
 * @typeParam S the scopes that a third party was granted, among those that its `authorization` asks for. Calling
 * anything else does not compile. Left out: an app of our own, which may call everything
 * @throws TypeError when `url` is not an absolute URL
 *
 * @example
 * ```ts
 * const ours = createClient<typeof contract>({ url: "https://api.example.com" });
 * await ours.auth.login.mutate({ username, password });
 * const me = await ours.user.me.query();
 *
 * const theirs = createClient<typeof contract, "profile:read">({ url, tokens: memoryTokens({ accessToken }) });
 * const alsoTheirs = createClient<typeof contract, ScopesOf<typeof authorization>>({ url, authorization });
 * ```
 */
export const createClient = <C extends ClientContract = EngineContract, S extends ScopeOf<C> | OwnApp = OwnApp>(
  options: ClientOptions<S>,
): Client<C, S> => {
  const url = rpcUrl(options.url);
  const { authorization, transport = "body", now = Date.now, onSignedOut, onStepUp, onConsentNeeded } = options;
  const tokens = authorization?.tokens ?? options.tokens ?? memoryTokens();
  const fetch: typeof globalThis.fetch = options.fetch ?? ((...call) => globalThis.fetch(...call));
  const http = {
    url,
    fetch: (input: Parameters<typeof globalThis.fetch>[0], init?: object) => fetch(input, init as RequestInit),
  };

  // No part of the session's own calls: what asks for a token needs none.
  const refreshing = createTRPCClient<EngineRouter>({ links: [httpLink(http)] });
  const refreshOwn: SessionOptions["refresh"] = async (held) => {
    const input = transport === "cookie" ? {} : { refreshToken: held?.refreshToken };
    try {
      return await withDeadline((signal) => refreshing.auth.refresh.mutate(input, { signal }));
    } catch (error) {
      const ended = endOf(readFailure(error));
      if (ended) return { ended };
      throw error;
    }
  };
  const refreshAuthorized =
    ({ refresh }: Authorization<S>): SessionOptions["refresh"] =>
    async (held) =>
      (held && (await refresh(held))) ?? { ended: "unknown" };
  const session = createSession({
    tokens,
    transport,
    tabs:
      options.tabs === undefined && transport === "cookie"
        ? browserTabs(`lockstep ${url.href}`)
        : (options.tabs ?? null),
    refresh: authorization ? refreshAuthorized(authorization) : refreshOwn,
    now,
    onSignedOut,
  });
  const { link, ...calls } = createSessionLink({ session, now, onStepUp, onConsentNeeded });
  const client = createTRPCClient<EngineRouter>({
    links: [
      link,
      splitLink({
        condition: ({ type }) => type === "subscription",
        // A third of all there is to load, and few pages watch anything.
        true: onDemand(async () => (await import("./stream-link.ts")).streamLink({ url, fetch, session, calls })),
        false: splitLink({
          condition: ({ path }) => alone.has(path),
          true: httpLink({ ...http, headers: ({ op }) => calls.headers([op]) }),
          false: httpBatchLink({
            ...http,
            maxItems: maxBatchItems,
            maxURLLength: maxUrlLength,
            headers: ({ opList }) => calls.headers(opList),
          }),
        }),
      }),
    ],
  });
  sessions.set(client, session.view);
  return client as unknown as Client<C, S>; // the same object, without the operations that were not granted
};

const alone: ReadonlySet<string> = new Set(credentialPaths);

const sessions = new WeakMap<object, ClientSession>();

/**
 * The session of a client that `createClient` made.
 * @throws TypeError for any other
 */
export const sessionOf = (client: object): ClientSession => {
  const session = sessions.get(client);
  if (!session) throw new TypeError("This client was not made by createClient");
  return session;
};

/** What of a refresh that failed ends the session; anything else may be over by the next attempt. */
const endOf = (failure: RpcFailure | null): SessionEndReason | null => {
  if (failure?.code === "SESSION_ENDED") return failure.details.reason;
  return failure?.code === "FOREIGN_ORIGIN" || failure?.code === "INVALID_INPUT" ? "unknown" : null;
};

/** `trpc` below the server's address, which may have a path of its own. */
const rpcUrl = (server: string | URL): URL => {
  const base = String(server);
  return new URL("trpc", base.endsWith("/") ? base : `${base}/`);
};
