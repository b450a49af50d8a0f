// Challenges of a server that sees many attempts, solved by the client: once for each call, and then the call is repeated.

import { createClient, errorOf, memoryTokens } from "@lockstep/client";
import { solveChallenge } from "@lockstep/client/challenge";
import type { fixtureContract } from "@lockstep/server/fixture-app";
import { john, startTestServer } from "@lockstep/server/testing";
import { describe, expect, it } from "vitest";
import { recorded } from "./requests.ts";

type Contract = typeof fixtureContract;

const credentials = { username: john.username, password: john.password };

const setUp = async (onChallenge?: Parameters<typeof createClient<Contract>>[0]["onChallenge"]) => {
  const server = await startTestServer({ config: { challenge: "on" } });
  const network = recorded(globalThis.fetch);
  const options = { url: server.url, tokens: memoryTokens(), fetch: network.fetch };
  const client = createClient<Contract>({ ...options, ...(onChallenge && { onChallenge }) });
  return { server, client, requests: network.requests, [Symbol.asyncDispose]: server.close };
};

describe("a challenge", () => {
  it("is solved by the client itself, which repeats the call once", async () => {
    await using world = await setUp();
    expect(await world.client.auth.login.mutate(credentials)).toMatchObject({ status: "signed_in" });
    expect(world.requests.map(({ status }) => status)).toEqual([428, 200]);
    await world.client.account.register.mutate({ email: "jane@example.com" });
    await world.client.account.recover.mutate({ login: john.username });
    expect(await world.server.mails()).toHaveLength(3);
  });

  it("is solved for each call of a batch", async () => {
    await using world = await setUp();
    const recover = (login: string) => world.client.account.recover.mutate({ login });
    expect(await Promise.all([recover("ann"), recover("bob"), recover("cem")])).toHaveLength(3);
    expect(world.requests[0]?.url.pathname).toBe("/trpc/account.recover,account.recover,account.recover");
  });

  it("may be solved by the app, and fails the call with the reason when it cannot", async () => {
    let given = 0;
    await using world = await setUp(async (challenge) => {
      given++;
      if (given > 1) throw new Error("no crypto here");
      return solveChallenge(challenge);
    });
    await world.client.auth.login.mutate(credentials);
    const failed: unknown = await world.client.auth.login.mutate(credentials).catch((error: unknown) => error);
    expect(errorOf("auth.login", failed)?.code).toBe("CHALLENGE_REQUIRED");
    expect((failed as Error).cause).toMatchObject({ message: "no crypto here" });
  });

  it("is not solved twice for one call", async () => {
    let given = 0;
    await using world = await setUp(async () => {
      given++;
      return "nonsense";
    });
    const failed: unknown = await world.client.auth.login.mutate(credentials).catch((error: unknown) => error);
    expect(errorOf("auth.login", failed)?.code).toBe("CHALLENGE_REQUIRED");
    expect(given).toBe(1);
  });
});
