// Owns reading how people can get in here: identity providers, sign-up, and recovery.

import type { Provider } from "@lockstep/kit";
import { useQuery } from "@tanstack/react-query";
import { useBackend } from "../app/context.ts";

/** The ways to sign in, to sign up and to recover an account. */
export const useSignInMethods = () => {
  const { trpc } = useBackend();
  return useQuery(trpc.auth.methods.queryOptions(undefined, { staleTime: Number.POSITIVE_INFINITY }));
};

const none: readonly Provider[] = [];

/** The identity providers that users can sign in with; empty until they are loaded. */
export const useProviders = (): readonly Provider[] => useSignInMethods().data?.providers ?? none;
