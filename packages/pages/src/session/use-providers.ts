// Owns reading the configured identity providers.

import type { Provider } from "@lockstep/kit";
import { useQuery } from "@tanstack/react-query";
import { useBackend } from "../app/context.ts";

const none: readonly Provider[] = [];

/** The identity providers that users can sign in with; empty until they are loaded. */
export const useProviders = (): readonly Provider[] => {
  const { trpc } = useBackend();
  const methods = useQuery(trpc.auth.methods.queryOptions(undefined, { staleTime: Number.POSITIVE_INFINITY }));
  return methods.data?.providers ?? none;
};
