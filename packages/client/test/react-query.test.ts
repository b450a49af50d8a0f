// The client with tRPC's own TanStack Query integration, which is how our web app uses it.

import { createClient, errorOf, memoryTokens } from "@lockstep/client";
import type { EngineContract, RouterOf } from "@lockstep/kit";
import { john, startTestServer } from "@lockstep/server/testing";
import { MutationObserver, QueryClient } from "@tanstack/react-query";
import { createTRPCOptionsProxy } from "@trpc/tanstack-react-query";
import { describe, expect, it } from "vitest";

const credentials = { username: john.username, password: john.password };

const setUp = (url: string) => {
  const tokens = memoryTokens();
  const queryClient = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const trpc = createTRPCOptionsProxy<RouterOf<EngineContract>>({ client: createClient({ url, tokens }), queryClient });
  return { tokens, queryClient, trpc };
};

describe("with @trpc/tanstack-react-query", () => {
  it("signs in with a mutation, reads with a query, and caches the result", async () => {
    await using server = await startTestServer();
    const { tokens, queryClient, trpc } = setUp(server.url);

    const signedIn = await new MutationObserver(queryClient, trpc.auth.login.mutationOptions()).mutate(credentials);
    expect(signedIn).toMatchObject({ accessToken: tokens.get()?.accessToken });

    const me = await queryClient.fetchQuery(trpc.user.me.queryOptions());
    expect(me.fullName).toBe(john.fullName);
    expect(queryClient.getQueryData(trpc.user.me.queryKey())).toEqual(me);

    const updated = await new MutationObserver(queryClient, trpc.user.update.mutationOptions()).mutate({
      fullName: "John D.",
    });
    queryClient.setQueryData(trpc.user.me.queryKey(), updated);
    expect(await queryClient.fetchQuery(trpc.user.me.queryOptions(undefined, { staleTime: 60_000 }))).toEqual(updated);
  });

  it("fails with an error that `errorOf` reads", async () => {
    await using server = await startTestServer();
    const { queryClient, trpc } = setUp(server.url);

    const thrown = await queryClient.fetchQuery(trpc.user.me.queryOptions()).catch((error: unknown) => error);
    expect(errorOf("user.me", thrown)?.code).toBe("UNAUTHENTICATED");
  });
});
