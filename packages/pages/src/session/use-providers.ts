// Which identity providers people can sign in with here; none while that is not known.

import type { Provider } from "@lockstep/kit";
import { useQuery } from "@tanstack/react-query";
import { useBackend } from "../app/context.ts";

const none: readonly Provider[] = [];

/** The identity providers that people can sign in with; none while that is not known. */
export const useProviders = (): readonly Provider[] => {
  const { trpc } = useBackend();
  const methods = useQuery(trpc.auth.methods.queryOptions(undefined, { staleTime: Number.POSITIVE_INFINITY }));
  return methods.data?.providers ?? none;
};
