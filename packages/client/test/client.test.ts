// The client against a complete server: its tokens, and how its calls are sent.

import { createClient, errorOf, memoryTokens, type TokenStore, type Tokens } from "@lockstep/client";
import { operationsOf } from "@lockstep/kit";
import { fixtureContract } from "@lockstep/server/fixture-app";
import { john, startTestServer, testClock, testSource } from "@lockstep/server/testing";
import { safe } from "@trpc/client";
import { describe, expect, it } from "vitest";
import { credentialPaths } from "../src/session-link.ts";
import { complete } from "./requests.ts";

type Contract = typeof fixtureContract;

const credentials = { username: john.username, password: john.password };

/** The real `fetch` with a record of its requests. */
const recordedFetch = () => {
  const requests: { url: URL; authorization: string | null }[] = [];
  const fetch: typeof globalThis.fetch = (input, init) => {
    const request = new Request(input, init);
    requests.push({ url: new URL(request.url), authorization: request.headers.get("authorization") });
    return globalThis.fetch(request);
  };
  return { fetch, requests };
};

/** The real `fetch`, whose answers wait until they are released. */
const heldFetch = () => {
  const arrived = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const fetch: typeof globalThis.fetch = async (...call) => {
    const response = await globalThis.fetch(...call);
    arrived.resolve();
    await released.promise;
    return response;
  };
  return { fetch, arrived: arrived.promise, release: () => released.resolve() };
};

describe("signing in", () => {
  it("stores the token with its expiry, and every later call sends it", async () => {
    await using server = await startTestServer();
    const tokens = memoryTokens();
    const { fetch, requests } = recordedFetch();
    const client = createClient<Contract>({ url: server.url, tokens, fetch });

    const before = Date.now();
    const signedIn = complete(await client.auth.login.mutate(credentials));
    expect(tokens.get()?.accessToken).toBe(signedIn.accessToken);
    expect(tokens.get()?.expiresAt).toBeGreaterThanOrEqual(before + signedIn.expiresIn * 1000);
    expect(tokens.get()?.expiresAt).toBeLessThanOrEqual(Date.now() + signedIn.expiresIn * 1000);

    expect((await client.user.me.query()).fullName).toBe(john.fullName);
    expect((await client.photo.album.query()).title).toContain(john.fullName);
    expect(requests.map(({ authorization }) => authorization)).toEqual([
      null,
      `Bearer ${signedIn.accessToken}`,
      `Bearer ${signedIn.accessToken}`,
    ]);
  });

  it("replaces the token of the previous session", async () => {
    await using server = await startTestServer();
    const tokens = memoryTokens();
    const client = createClient<Contract>({ url: server.url, tokens });

    const first = complete(await client.auth.login.mutate(credentials));
    const second = complete(await client.auth.login.mutate(credentials));
    expect(second.accessToken).not.toBe(first.accessToken);
    expect(tokens.get()?.accessToken).toBe(second.accessToken);
  });

  it("keeps the current token when the sign-in is refused", async () => {
    await using server = await startTestServer();
    const tokens = memoryTokens();
    const client = createClient<Contract>({ url: server.url, tokens });

    const { accessToken } = complete(await client.auth.login.mutate(credentials));
    const [, error] = await safe(client.auth.login.mutate({ ...credentials, password: "wrong" }));
    expect(errorOf("auth.login", error)?.code).toBe("INVALID_CREDENTIALS");
    expect(tokens.get()?.accessToken).toBe(accessToken);
  });

  it("does not share tokens with other clients", async () => {
    await using server = await startTestServer();
    await createClient<Contract>({ url: server.url }).auth.login.mutate(credentials);

    const [, error] = await safe(createClient<Contract>({ url: server.url }).user.me.query());
    expect(errorOf("user.me", error)?.code).toBe("UNAUTHENTICATED");
  });

  it("accepts the access token of a third-party client", async () => {
    await using server = await startTestServer();
    const { accessToken } = complete(await createClient<Contract>({ url: server.url }).auth.login.mutate(credentials));

    const client = createClient<Contract, "profile:read">({ url: server.url, tokens: memoryTokens({ accessToken }) });
    expect((await client.user.me.query()).username).toBe(john.username);
  });
});

describe("the end of a session", () => {
  it("by signing out: removes the token, which the server then refuses", async () => {
    await using server = await startTestServer();
    const tokens = memoryTokens();
    const client = createClient<Contract>({ url: server.url, tokens });

    const { accessToken } = complete(await client.auth.login.mutate(credentials));
    await client.auth.logout.mutate();
    expect(tokens.get()).toBeNull();

    const thief = createClient<Contract>({ url: server.url, tokens: memoryTokens({ accessToken }) });
    const [, error] = await safe(thief.user.me.query());
    expect(errorOf("user.me", error)?.code).toBe("INVALID_TOKEN");
  });

  it("by the server: fails the call with INVALID_TOKEN and removes the token", async () => {
    await using server = await startTestServer();
    const tokens = memoryTokens();
    const client = createClient<Contract>({ url: server.url, tokens });

    const { user } = complete(await client.auth.login.mutate(credentials));
    await server.domain.sessions.endAllOf(user.id, "revoked", testSource);

    const [, error] = await safe(client.user.me.query());
    expect(errorOf("user.me", error)).toMatchObject({
      code: "INVALID_TOKEN",
      httpStatus: 401,
      wwwAuthenticate: expect.stringContaining('error="invalid_token"'),
    });
    expect(tokens.get()).toBeNull();
  });

  it("by expiry, without a refresh token: fails the call with INVALID_TOKEN and removes the token", async () => {
    const clock = testClock();
    await using server = await startTestServer({ now: clock.now });
    const { accessToken, expiresIn } = complete(
      await createClient<Contract>({ url: server.url }).auth.login.mutate(credentials),
    );
    const tokens = memoryTokens({ accessToken });
    const client = createClient<Contract, "profile:read">({ url: server.url, tokens });

    clock.advanceSeconds(expiresIn + 60);

    const [, error] = await safe(client.user.me.query());
    expect(errorOf("user.me", error)?.code).toBe("INVALID_TOKEN");
    expect(tokens.get()).toBeNull();
  });

  it("fails every call of a batch, and removes the token once", async () => {
    await using server = await startTestServer();
    const tokens = memoryTokens();
    const client = createClient<Contract>({ url: server.url, tokens });

    const { user } = complete(await client.auth.login.mutate(credentials));
    await server.domain.sessions.endAllOf(user.id, "revoked", testSource);
    let changes = 0;
    tokens.subscribe(() => changes++);

    const results = await Promise.all([safe(client.user.me.query()), safe(client.photo.album.query())]);
    expect(results.map(([, error]) => error?.data?.code)).toEqual(["INVALID_TOKEN", "INVALID_TOKEN"]);
    expect(changes).toBe(1);
  });

  it("removes the token from a store that returns a new object each time", async () => {
    await using server = await startTestServer();
    let stored = "null";
    const tokens: TokenStore = {
      get: () => JSON.parse(stored) as Tokens | null,
      set: (held) => {
        stored = JSON.stringify(held);
      },
      subscribe: () => () => {},
    };
    const client = createClient<Contract>({ url: server.url, tokens });

    const { user } = complete(await client.auth.login.mutate(credentials));
    await server.domain.sessions.endAllOf(user.id, "revoked", testSource);
    await safe(client.user.me.query());
    expect(tokens.get()).toBeNull();
  });

  it("keeps the token when sign-out does not reach the server, so that it can be repeated", async () => {
    const server = await startTestServer();
    const tokens = memoryTokens();
    const client = createClient<Contract>({ url: server.url, tokens });
    const { accessToken } = complete(await client.auth.login.mutate(credentials));
    await server.close();

    const [, error] = await safe(client.auth.logout.mutate());
    expect(errorOf("auth.logout", error)?.code).toBe("UNREACHABLE");
    expect(tokens.get()?.accessToken).toBe(accessToken);
  });
});

describe("an answer to an older token", () => {
  it("does not remove the newer token, with which the call is repeated", async () => {
    await using server = await startTestServer();
    const tokens = memoryTokens();
    const held = heldFetch();
    const slow = createClient<Contract>({ url: server.url, tokens, fetch: held.fetch });
    const client = createClient<Contract>({ url: server.url, tokens });

    const { user } = complete(await client.auth.login.mutate(credentials));
    await server.domain.sessions.endAllOf(user.id, "revoked", testSource);
    const answer = safe(slow.user.me.query());
    await held.arrived;
    const { accessToken } = complete(await client.auth.login.mutate(credentials));
    held.release();

    const [me] = await answer;
    expect(me?.username).toBe(john.username);
    expect(tokens.get()?.accessToken).toBe(accessToken);
    expect((await client.user.me.query()).username).toBe(john.username);
  });

  it("to a sign-out does not remove the newer token", async () => {
    await using server = await startTestServer();
    const tokens = memoryTokens();
    const held = heldFetch();
    const slow = createClient<Contract>({ url: server.url, tokens, fetch: held.fetch });
    const client = createClient<Contract>({ url: server.url, tokens });

    await client.auth.login.mutate(credentials);
    const signedOut = slow.auth.logout.mutate();
    await held.arrived;
    // The sign-in waits for the sign-out, so its token is the one that stays.
    const signedIn = client.auth.login.mutate(credentials);
    held.release();

    await signedOut;
    const { accessToken } = complete(await signedIn);
    expect(tokens.get()?.accessToken).toBe(accessToken);
  });

  it("is recognized when the caller passes the same context to every call", async () => {
    await using server = await startTestServer();
    const tokens = memoryTokens();
    const held = heldFetch();
    let first = true;
    const fetch: typeof globalThis.fetch = (...call) => {
      const send = first ? held.fetch : globalThis.fetch;
      first = false;
      return send(...call);
    };
    const { user, accessToken: ended } = complete(
      await createClient<Contract>({ url: server.url }).auth.login.mutate(credentials),
    );
    await server.domain.sessions.endAllOf(user.id, "revoked", testSource);
    tokens.set({ accessToken: ended });
    const client = createClient<Contract>({ url: server.url, tokens, fetch });
    const context = { screen: "account" };

    const answer = safe(client.user.me.query(undefined, { context }));
    await held.arrived;
    const { accessToken } = complete(await createClient<Contract>({ url: server.url }).auth.login.mutate(credentials));
    tokens.set({ accessToken });
    await client.user.me.query(undefined, { context });
    held.release();

    const [me] = await answer;
    expect(me?.username).toBe(john.username);
    expect(tokens.get()?.accessToken).toBe(accessToken);
  });

  it("is recognized by the token that the call was sent with, not by the one stored when it was made", async () => {
    await using server = await startTestServer();
    const tokens = memoryTokens();
    const client = createClient<Contract>({ url: server.url, tokens });

    const { accessToken, user } = complete(await client.auth.login.mutate(credentials));
    await server.domain.sessions.endAllOf(user.id, "revoked", testSource);
    tokens.set(null);
    // The calls of a tick are sent together after it: this one is sent with the token that is set in between.
    const answer = safe(client.user.me.query());
    tokens.set({ accessToken });

    const [, error] = await answer;
    expect(errorOf("user.me", error)?.code).toBe("INVALID_TOKEN");
    expect(tokens.get()).toBeNull();
  });
});

describe("calls are sent", () => {
  it("in one request when they are made in the same tick", async () => {
    await using server = await startTestServer();
    const { fetch, requests } = recordedFetch();
    const client = createClient<Contract>({ url: server.url, fetch });
    await client.auth.login.mutate(credentials);
    requests.length = 0;

    const [me, album] = await Promise.all([client.user.me.query(), client.photo.album.query()]);
    expect(me.fullName).toBe(john.fullName);
    expect(album.title).toContain(john.fullName);
    expect(requests.map(({ url }) => url.pathname)).toEqual(["/trpc/user.me,photo.album"]);
  });

  it("in requests of at most 20 calls, all of which are answered", async () => {
    await using server = await startTestServer();
    const { fetch, requests } = recordedFetch();
    const client = createClient<Contract>({ url: server.url, fetch });
    await client.auth.login.mutate(credentials);
    requests.length = 0;

    const answers = await Promise.all(Array.from({ length: 45 }, () => client.user.me.query()));
    expect(answers.map(({ username }) => username)).toEqual(Array(45).fill(john.username));
    expect(requests.map(({ url }) => url.pathname.split(",").length)).toEqual([20, 20, 5]);
  });

  it("independently: one that fails leaves the others answered", async () => {
    await using server = await startTestServer();
    const client = createClient<Contract>({ url: server.url });

    const [[signedIn], [, error]] = await Promise.all([
      safe(client.auth.login.mutate(credentials)),
      safe(client.auth.login.mutate({ ...credentials, password: "wrong" })),
    ]);
    expect(signedIn).toMatchObject({ user: { username: john.username } });
    expect(error?.data?.code).toBe("INVALID_CREDENTIALS");
  });

  it.each([
    ["https://api.example.com", "https://api.example.com/trpc/user.me"],
    ["https://api.example.com/", "https://api.example.com/trpc/user.me"],
    ["https://example.com/backend", "https://example.com/backend/trpc/user.me"],
    ["https://example.com/backend/", "https://example.com/backend/trpc/user.me"],
  ])("to /trpc below the URL %s", async (url, expected) => {
    const asked: string[] = [];
    const fetch: typeof globalThis.fetch = async (input) => {
      asked.push(String(input).split("?")[0] ?? "");
      return Response.json([]);
    };
    await safe(createClient<Contract>({ url, fetch }).user.me.query());
    await safe(createClient<Contract>({ url: new URL(url), fetch }).user.me.query());
    expect(asked).toEqual([expected, expected]);
  });

  it("unbatched when they take a password or a token, as the contract declares", async () => {
    const declared = [...operationsOf(fixtureContract.operations)]
      .filter(([, { credential }]) => credential)
      .map(([path]) => path);
    expect([...credentialPaths].sort()).toEqual(declared.sort());

    await using server = await startTestServer();
    const { fetch, requests } = recordedFetch();
    const client = createClient<Contract>({ url: server.url, fetch });
    await Promise.all([client.auth.login.mutate(credentials), client.auth.login.mutate(credentials)]);
    expect(requests.map(({ url }) => url.pathname)).toEqual(["/trpc/auth.login", "/trpc/auth.login"]);
  });

  it("nowhere when the URL is not absolute", () => {
    expect(() => createClient<Contract>({ url: "/api" })).toThrow(TypeError);
    expect(() => createClient<Contract>({ url: "localhost:3000" })).toThrow(TypeError);
  });
});

describe("tokens in memory", () => {
  it("call each listener after each change until it is removed", () => {
    const tokens = memoryTokens({ accessToken: "first" });
    const seen: (string | undefined)[] = [];
    const stop = tokens.subscribe(() => seen.push(tokens.get()?.accessToken));

    tokens.set({ accessToken: "second" });
    tokens.set(null);
    tokens.set(null);
    stop();
    tokens.set({ accessToken: "third" });
    expect(seen).toEqual(["second", undefined]);
  });
});
