// Owns the connection to the backend: the typed client, and what it has answered so far.

import { type Client, type ClientContract, createClient, type ErrorOf, errorReader, sessionOf } from "@lockstep/client";
import type { EngineContract, PathIn, RouterOf } from "@lockstep/kit";
import { QueryClient } from "@tanstack/react-query";
import { createTRPCOptionsProxy, type TRPCOptionsProxy } from "@trpc/tanstack-react-query";

/** A contract that has the engine's operations, which the pages call. */
export type PagesContract = ClientContract & Pick<EngineContract, "operations">;

/** The backend, as pages use it. */
export interface Backend<C extends ClientContract = EngineContract> {
  /** A plain tRPC client. */
  readonly client: Client<C>;
  /** What was answered so far. It is emptied when somebody else signs in. */
  readonly queryClient: QueryClient;
  /** Options for TanStack Query: `useQuery(trpc.user.me.queryOptions())`. */
  readonly trpc: TRPCOptionsProxy<RouterOf<C>>;
  /**
   * What a call of `path` failed with.
   * @throws what is not the failure of such a call: a bug of the app
   */
  readonly readFailure: <P extends PathIn<C>>(path: P, error: unknown) => ErrorOf<P, C>;
}

/** How to reach the backend. */
export interface BackendOptions {
  /** The origin of the server. Default: that of the page. */
  readonly url?: string;
}

/**
 * Connects a page to its backend. The session is kept in the browser's cookie.
 * @typeParam C the contract of the backend: `typeof contract`
 */
export const createBackend = <C extends PagesContract>({ url = location.origin }: BackendOptions = {}): Backend<C> => {
  const client = createClient<C>({ url, transport: "cookie" });
  const queryClient = new QueryClient({
    defaultOptions: {
      // "always": a call without a network fails at once and says so, instead of waiting without a word.
      queries: { networkMode: "always", retry: false, refetchOnReconnect: true },
      // A sign-in's input is a password: nothing of it stays behind.
      mutations: { networkMode: "always", gcTime: 0 },
    },
  });

  // Nobody sees anything of the person who was signed in before.
  const session = sessionOf(client);
  let owner: string | null = null;
  session.subscribe(() => {
    const state = session.get();
    const now = state.status === "signedIn" ? (state.user?.id ?? owner) : null;
    if (now !== owner) queryClient.getQueryCache().clear();
    owner = now;
  });

  const errorOf = errorReader<C>();
  return {
    client,
    queryClient,
    trpc: createTRPCOptionsProxy<RouterOf<C>>({ client, queryClient } as never) as Backend<C>["trpc"],
    readFailure(path, error) {
      const failure = errorOf(path, error);
      if (!failure) throw error;
      return failure;
    },
  };
};
