// Which providers people can sign in through here; none while that is not known.

import type { Provider } from "@lockstep/kit";
import { useQuery } from "@tanstack/react-query";
import { trpc } from "../backend.ts";

const none: readonly Provider[] = [];

export const useProviders = (): readonly Provider[] =>
  useQuery(trpc.auth.methods.queryOptions(undefined, { staleTime: Number.POSITIVE_INFINITY })).data?.providers ?? none;
