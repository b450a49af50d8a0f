// Owns the client: a tRPC client of the contract, narrowed to the scopes that its caller was granted.

import type {
  AnyContract,
  Challenge,
  EngineContract,
  Granted,
  RoutedContract,
  RouterOf,
  ScopeOf,
  SessionEndReason,
  WithZod,
} from "@lockstep/kit";
import { createTRPCClient, httpBatchLink, httpLink, type TRPCClient, type TRPCLink } from "@trpc/client";
import { withDeadline } from "./deadline.ts";
import { type EngineRouter, type RpcFailure, readFailure } from "./errors.ts";
import { onDemand } from "./on-demand.ts";
import type { ConsentNeeded, StepUp } from "./prompts.ts";
import { type ClientSession, createSession, type SessionOptions } from "./session.ts";
import { createSessionLink, credentialPaths } from "./session-link.ts";
import { browserTabs, type Tabs } from "./tabs.ts";
import { type IssuedTokens, memoryTokens, type TokenStore, type Tokens } from "./tokens.ts";

/** Marks a first-party client, which may call every operation. No value has this type. */
export interface FirstPartyClient {
  readonly firstParty: never;
}

/** The parts of a contract that type a client. */
export type ClientContract = RoutedContract & Pick<AnyContract, "scopes">;

/** The router of the contract `C` for a caller with the scopes `S`. */
export type RouterFor<C extends ClientContract, S extends ScopeOf<C> | FirstPartyClient = FirstPartyClient> = [
  S,
] extends [string]
  ? RouterOf<Granted<C, S>>
  : RouterOf<C>;

/**
 * The client of the contract `C` for a caller with the scopes `S`: a plain tRPC client, which works with tRPC's own
 * libraries.
 */
export type Client<
  C extends ClientContract = EngineContract,
  S extends ScopeOf<C> | FirstPartyClient = FirstPartyClient,
> = TRPCClient<RouterFor<C, S>>;

/**
 * A third-party client's access to a user's account. `createAuthorization` of `@lockstep/client/oauth` creates one.
 * @typeParam S the scopes that the client requests
 */
export interface Authorization<in S> {
  readonly tokens: TokenStore;
  /** Whether the user has granted this scope. They may have granted fewer scopes than requested. */
  readonly allows: (scope: S) => Promise<boolean>;
  /**
   * Gets new tokens in place of `current`. `null`: the grant was revoked or has expired.
   * Rejects when the server cannot be reached; the grant then remains.
   */
  readonly refresh: (current: Tokens) => Promise<IssuedTokens | null>;
}

/** The scopes of an authorization, for `createClient`. */
export type ScopesOf<A> = A extends Authorization<infer S> ? S : never;

/** The options that all clients have. */
interface CommonOptions {
  /** The server's absolute URL: `https://api.example.com`. RPC is below it, at `trpc`. */
  readonly url: string | URL;
  /** Replaces the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
  /** Called once when the session ends, with the reason. In a browser, called in every tab. */
  readonly onSignedOut?: (reason: SessionEndReason) => void;
  /**
   * Called when an operation needs a fresh sign-in. Return `true` after the user has reauthenticated: the call is
   * repeated, unless another user has signed in instead. After `false` or an error, the call fails. Other calls that
   * are refused in the meantime wait for the same answer, so this function must not wait for one of them.
   */
  readonly onStepUp?: (event: StepUp) => Promise<boolean>;
  /** The same for an operation whose scopes the user has not granted. */
  readonly onConsentNeeded?: (event: ConsentNeeded) => Promise<boolean>;
  /**
   * Solves the challenge that the server answers with while it sees many attempts. The call is then repeated. `solve` does it
   * with `@lockstep/client/challenge`, which is loaded when it is first needed. Default: `solve`.
   */
  readonly onChallenge?: (challenge: Challenge, solve: () => Promise<string>) => Promise<string>;
  /** Epoch milliseconds. Replaces the machine's clock in tests. */
  readonly now?: () => number;
}

/** The options of a client that signs its user in or uses a given token. */
interface WithSession {
  /**
   * How the refresh token is sent. `cookie` is for pages of the server's own origin, and of its `ALLOWED_ORIGINS` of the
   * same site: no script can read the token, and all tabs share one session. `body` is for all other clients: the token
   * is stored in `tokens`. Default: `body`.
   */
  readonly transport?: "body" | "cookie";
  /** Where tokens are stored. Default: in memory, which is right for `cookie`. */
  readonly tokens?: TokenStore;
  /** The tabs that share the session. Replaces the browser's tabs in tests and on other platforms. `null`: none. */
  readonly tabs?: Tabs | null;
  readonly authorization?: never;
}

/** The options of a third-party client. */
interface WithAuthorization<S> {
  /** The source of its tokens. It also decides what the client may call. */
  readonly authorization: Authorization<S>;
  readonly transport?: never;
  readonly tokens?: never;
  readonly tabs?: never;
}

/** The options of `createClient`. */
export type ClientOptions<S = FirstPartyClient> = CommonOptions & (WithSession | WithAuthorization<S>);

/** The most calls in one request. The server refuses more. */
const maxBatchItems = 20;

/** The longest URL, in characters. Common proxies refuse a request line above 8 KiB. */
const maxUrlLength = 8000;

/**
 * Creates a tRPC client of the contract. `auth.login` stores the tokens, and every later call sends the access token.
 * The client refreshes it before it expires, and also when the server refuses it; the refused call is then repeated.
 * The tokens are removed by `auth.logout`, and when the server reports that the session has ended. A server that cannot
 * be reached does not end the session.
 *
 * Calls of the same tick are sent in one request. They fail with a `TRPCClientError`; read it with `errorOf` or with
 * tRPC's own `safe`. `sessionOf` says whether a user is signed in.
 *
 * @typeParam C the backend's contract: `typeof contract` of its contract package. Default: the operations that every
 * backend has
 * @typeParam S the granted scopes of a third-party client, among those that its `authorization` requests. Calling
 * anything else does not compile. Default: a first-party client, which may call everything
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
export const createClient = <
  C extends ClientContract = EngineContract,
  S extends ScopeOf<C> | FirstPartyClient = FirstPartyClient,
>(
  options: WithZod<ClientOptions<S>>,
): Client<C, S> => createClientWith<C, S>(options);

/** `createClient` that gets new tokens with `refresh`, in place of the refresh token. */
export const createClientWith = <
  C extends ClientContract = EngineContract,
  S extends ScopeOf<C> | FirstPartyClient = FirstPartyClient,
>(
  options: ClientOptions<S>,
  refresh?: SessionOptions["refresh"],
): Client<C, S> => {
  const url = rpcUrl(options.url);
  const { authorization, transport = "body", now = Date.now, onSignedOut, onStepUp, onConsentNeeded } = options;
  const tokens = authorization?.tokens ?? options.tokens ?? memoryTokens();
  const plainFetch: typeof globalThis.fetch = options.fetch ?? ((...call) => globalThis.fetch(...call));
  // A page of another origin sends and stores cookies only with this. Some platforms without pages refuse the option.
  const fetch: typeof globalThis.fetch =
    transport === "cookie" && page
      ? (input, init) => plainFetch(input, { ...init, credentials: "include" })
      : plainFetch;
  const http = {
    url,
    fetch: (input: Parameters<typeof globalThis.fetch>[0], init?: object) => fetch(input, init as RequestInit),
  };

  // A separate client: a refresh must not wait for the session that it refreshes.
  const refreshing = createTRPCClient<EngineRouter>({ links: [httpLink(http)] });
  let warned = false;
  const refreshOwn: SessionOptions["refresh"] = async (current) => {
    const input = transport === "cookie" ? {} : { refreshToken: current?.refreshToken };
    try {
      return await withDeadline((signal) => refreshing.auth.refresh.mutate(input, { signal }));
    } catch (error) {
      const failure = readFailure(error);
      const ended = endOf(failure);
      if (ended) return { ended };
      if (failure?.code === "FOREIGN_ORIGIN" && !warned) {
        warned = true;
        // biome-ignore lint/suspicious/noConsole: for the page's developer. Its user cannot change this.
        console.warn(`FOREIGN_ORIGIN at ${page?.origin}: ${(error as Error).message}`);
      }
      throw error;
    }
  };
  const refreshAuthorized =
    ({ refresh }: Authorization<S>): SessionOptions["refresh"] =>
    async (current) =>
      (current && (await refresh(current))) ?? { ended: "unknown" };
  const session = createSession({
    tokens,
    transport,
    tabs:
      options.tabs === undefined && transport === "cookie"
        ? browserTabs(`lockstep ${url.href}`)
        : (options.tabs ?? null),
    refresh: refresh ?? (authorization ? refreshAuthorized(authorization) : refreshOwn),
    now,
    onSignedOut,
  });
  const { link, ...calls } = createSessionLink({
    session,
    now,
    onStepUp,
    onConsentNeeded,
    onChallenge: options.onChallenge,
  });
  const sendingLink: TRPCLink<EngineRouter> = (runtime) => {
    // A third of the code, which few pages need.
    const loadStreams = async () => (await import("./stream-link.ts")).streamLink({ url, fetch, session, calls });
    const stream = onDemand(loadStreams)(runtime);
    const single = httpLink<EngineRouter>({ ...http, headers: ({ op }) => calls.headers([op]) })(runtime);
    const batch = httpBatchLink<EngineRouter>({
      ...http,
      maxItems: maxBatchItems,
      maxURLLength: maxUrlLength,
      headers: ({ opList }) => calls.headers(opList),
    })(runtime);
    return (call) => {
      if (call.op.type === "subscription") return stream(call);
      return unbatched.has(call.op.path) ? single(call) : batch(call);
    };
  };
  const client = createTRPCClient<EngineRouter>({ links: [link, sendingLink] });
  sessions.set(client, session.view);
  return client as unknown as Client<C, S>; // the same object, typed without the operations that were not granted
};

const unbatched: ReadonlySet<string> = new Set(credentialPaths);

const sessions = new WeakMap<object, ClientSession>();

/**
 * The session of a client.
 * @throws TypeError when the client was not made by `createClient`
 */
export const sessionOf = (client: object): ClientSession => {
  const session = sessions.get(client);
  if (!session) throw new TypeError("This client was not created by createClient");
  return session;
};

/**
 * Why a failed refresh ends the session. `null`: the session continues, and the next attempt may succeed. The server
 * does not look at the session of a page whose origin it refuses.
 */
export const endOf = (failure: RpcFailure | null): SessionEndReason | null => {
  if (failure?.code === "SESSION_ENDED") return failure.details.reason;
  return failure?.code === "INVALID_INPUT" ? "unknown" : null;
};

/** The address of the page that this program runs in; `undefined` on platforms without pages. */
const page = (globalThis as unknown as { readonly location?: { readonly origin: string } }).location; // declared optional, and checked before use

/** `trpc` below the server's URL, which may have a path. */
export const rpcUrl = (server: string | URL): URL => {
  const base = String(server);
  return new URL("trpc", base.endsWith("/") ? base : `${base}/`);
};
