// Owns the connection to the backend: the typed client, and the cache of its answers.

import { type Client, type ClientContract, createClient, type ErrorOf, errorReader, sessionOf } from "@lockstep/client";
import type { EngineContract, PathIn, RouterOf } from "@lockstep/kit";
import { QueryClient } from "@tanstack/react-query";
import { createTRPCOptionsProxy, type TRPCOptionsProxy } from "@trpc/tanstack-react-query";
import { challengeKey } from "./challenge-key.ts";

/** A contract that has the engine's operations, which the pages call. */
export type PagesContract = ClientContract & Pick<EngineContract, "operations">;

/** The backend, as pages use it. */
export interface Backend<C extends ClientContract = EngineContract> {
  /** A plain tRPC client. */
  readonly client: Client<C>;
  /** The cache of answers. It is cleared when another user signs in. */
  readonly queryClient: QueryClient;
  /** Options for TanStack Query: `useQuery(trpc.user.me.queryOptions())`. */
  readonly trpc: TRPCOptionsProxy<RouterOf<C>>;
  /**
   * Reads the failure of a call of `path`.
   * @throws any other error, such as a bug of the app
   */
  readonly readFailure: <P extends PathIn<C>>(path: P, error: unknown) => ErrorOf<P, C>;
}

/** The options of `createBackend`. */
export interface BackendOptions {
  /** The origin of the server. Default: that of the page. */
  readonly url?: string;
}

/**
 * Connects a page to its backend. The session is kept in the browser's cookie.
 * @typeParam C the contract of the backend: `typeof contract`
 */
export const createBackend = <C extends PagesContract>({ url = location.origin }: BackendOptions = {}): Backend<C> => {
  const client = createClient<C>({
    url,
    transport: "cookie",
    // As a mutation, which `ChallengeStatus` sees.
    onChallenge: (_, mutationFn) =>
      queryClient.getMutationCache().build(queryClient, { mutationKey: challengeKey, mutationFn }).execute(undefined),
  });
  const queryClient = new QueryClient({
    defaultOptions: {
      // "always": a call without a network fails at once, instead of waiting silently.
      queries: { networkMode: "always", retry: false, refetchOnReconnect: true },
      // The input of a sign-in contains a password: do not keep it.
      mutations: { networkMode: "always", gcTime: 0 },
    },
  });

  // The next user must not see data of the previous one.
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
