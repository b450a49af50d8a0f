// A session across its refreshes, against a complete server: when it continues, and when it ends.

import { createClient, errorOf, memoryTokens, sessionOf } from "@lockstep/client";
import type { fixtureContract } from "@lockstep/server/fixture-app";
import { john, startTestServer, testClock, testSource } from "@lockstep/server/testing";
import { safe } from "@trpc/client";
import { describe, expect, it, vi } from "vitest";
import { complete, cookieJar, recorded, refreshes } from "./requests.ts";

type Contract = typeof fixtureContract;

const credentials = { username: john.username, password: john.password };

/** A server and a client. Their clocks can be moved together or separately. */
const setUp = async ({ transport = "body" as "body" | "cookie", clientClock = testClock() } = {}) => {
  const clock = testClock(clientClock.now());
  const server = await startTestServer({ now: clock.now });
  const network = recorded(transport === "cookie" ? cookieJar(server.url).fetch : globalThis.fetch);
  const tokens = memoryTokens();
  const reasons: string[] = [];
  const options = {
    url: server.url,
    transport,
    tokens,
    fetch: network.fetch,
    now: clientClock.now,
    onSignedOut: (reason: string) => void reasons.push(reason),
  };
  const client = createClient<Contract>(options);
  return {
    server,
    client,
    options,
    tokens,
    reasons,
    requests: network.requests,
    network,
    serverClock: clock,
    session: sessionOf(client),
    pass(seconds: number) {
      clock.advanceSeconds(seconds);
      clientClock.advanceSeconds(seconds);
    },
    [Symbol.asyncDispose]: server.close,
  };
};

it("[S88] keeps the device token of a recovered account, and signs in with it while others attack the account", async () => {
  await using world = await setUp();
  const { server, client, tokens, network } = world;
  const { proofId } = await client.account.recover.mutate({ login: john.username });
  const code = /[A-Z]{4}-[A-Z]{4}/.exec((await server.mails())[0]?.text ?? "")?.[0] ?? "";
  const newPassword = "seven wooden kites in the rain";
  const { deviceToken } = await client.account.resetPassword.mutate({ proofId, code, newPassword });
  expect(tokens.device?.get()).toBe(deviceToken);
  const attack = { username: john.username, password: "not the password", deviceToken: "none" };
  for (let n = 0; n < 9; n++) await safe(createClient({ url: server.url }).auth.login.mutate(attack));
  expect((await client.auth.login.mutate({ username: john.username, password: newPassword })).status).toBe("signed_in");
  expect(network.requests.length).toBeGreaterThan(2);
});

describe.each(["body", "cookie"] as const)("with the %s transport, a session", (transport) => {
  it("is refreshed before the token expires, once for calls of the same tick", async () => {
    await using world = await setUp({ transport });
    const { client, requests, pass, tokens } = world;
    const { expiresIn, accessToken } = complete(await client.auth.login.mutate(credentials));

    pass(expiresIn - 61);
    await client.user.me.query();
    expect(refreshes(requests)).toHaveLength(0);

    pass(2);
    await Promise.all([client.user.me.query(), client.photo.album.query()]);
    expect(requests.map(({ url }) => url.pathname).slice(-2)).toEqual([
      "/trpc/auth.refresh",
      "/trpc/user.me,photo.album",
    ]);
    expect(tokens.get()?.accessToken).not.toBe(accessToken);
    expect(requests.every(({ status }) => status === 200)).toBe(true);
  });

  it("is refreshed once when the server refuses the token of 20 calls, which are repeated in one batch", async () => {
    await using world = await setUp({ transport });
    const { client, requests, serverClock, reasons } = world;
    const { expiresIn } = complete(await client.auth.login.mutate(credentials));

    // By the client's clock the token is new.
    serverClock.advanceSeconds(expiresIn + 5);
    requests.length = 0;
    const answers = await Promise.all(Array.from({ length: 20 }, () => client.user.me.query()));
    expect(answers.map(({ username }) => username)).toEqual(Array(20).fill(john.username));
    const batch = `/trpc/${Array(20).fill("user.me").join(",")}`;
    expect(requests.map(({ url }) => url.pathname)).toEqual([batch, "/trpc/auth.refresh", batch]);
    expect(reasons).toEqual([]);
  });

  it("continues while it is used", async () => {
    await using world = await setUp({ transport });
    const { client, requests, pass, reasons } = world;
    const { expiresIn } = complete(await client.auth.login.mutate(credentials));
    for (let times = 0; times < 5; times++) {
      pass(expiresIn * 3);
      expect((await client.user.me.query()).username).toBe(john.username);
    }
    expect(refreshes(requests)).toHaveLength(5);
    expect(reasons).toEqual([]);
  });

  it("ends for all calls when it is revoked, and onSignedOut is called once with the reason", async () => {
    await using world = await setUp({ transport });
    const { client, server, reasons, session, tokens } = world;
    const { user } = complete(await client.auth.login.mutate(credentials));
    await server.domain.sessions.endAllOf(user.id, "revoked", testSource);

    const results = await Promise.all([safe(client.user.me.query()), safe(client.photo.album.query())]);
    expect(results.map(([, error]) => error?.data?.code)).toEqual(["INVALID_TOKEN", "INVALID_TOKEN"]);
    expect(reasons).toEqual(["revoked"]);
    expect(session.get()).toEqual({ status: "signedOut", reason: "revoked" });
    expect(tokens.get()).toBeNull();

    await client.auth.login.mutate(credentials);
    expect(session.get()).toMatchObject({ status: "signedIn", user: { username: john.username } });
  });

  it("ends when this client signs out, and later calls make no refresh", async () => {
    await using world = await setUp({ transport });
    const { client, reasons, requests } = world;
    await client.auth.login.mutate(credentials);
    await client.auth.logout.mutate();
    expect(reasons).toEqual(["signed_out"]);

    const [, error] = await safe(client.user.me.query());
    expect(errorOf("user.me", error)?.code).toBe("UNAUTHENTICATED");
    expect(refreshes(requests)).toHaveLength(0);
  });

  it("survives a server that fails or cannot be reached", async () => {
    await using world = await setUp({ transport });
    const { client, network, pass, reasons, session } = world;
    const { expiresIn } = complete(await client.auth.login.mutate(credentials));
    pass(expiresIn + 5);

    for (const failure of [
      () => Promise.reject(new TypeError("fetch failed")),
      async () => new Response("<h1>Bad gateway</h1>", { status: 502 }),
      async () => Response.json({ error: internal("auth.refresh") }, { status: 500 }),
      async () =>
        Response.json({ error: unavailable("auth.refresh") }, { status: 503, headers: { "retry-after": "2" } }),
    ]) {
      network.answer = (path) => (path.endsWith("auth.refresh") ? failure() : null);
      const [, error] = await safe(client.user.me.query());
      expect(errorOf("user.me", error)).toEqual({ code: "UNREACHABLE", details: {} });
      expect(session.get().status).toBe("signedIn");
      pass(10);
    }
    network.answer = () => null;
    expect((await client.user.me.query()).username).toBe(john.username);
    expect(reasons).toEqual([]);
  });

  it("survives a lost answer to a refresh: within the grace window the server answers with the same token", async () => {
    await using world = await setUp({ transport });
    const { client, network, pass, options } = world;
    const { expiresIn } = complete(await client.auth.login.mutate(credentials));
    pass(expiresIn + 5);

    network.lose = (path) => path.endsWith("auth.refresh");
    const [, error] = await safe(client.user.me.query());
    expect(errorOf("user.me", error)?.code).toBe("UNREACHABLE");
    network.lose = () => false;
    pass(6);
    expect((await createClient<Contract>(options).user.me.query()).username).toBe(john.username);
  });
});

const internal = (path: string) => ({
  message: "Something went wrong on our side.",
  code: -32603,
  data: { code: "INTERNAL", details: {}, httpStatus: 500, requestId: "1", path },
});

const unavailable = (path: string) => ({
  message: "The service is temporarily unavailable. Try again shortly.",
  code: -32603,
  data: { code: "UNAVAILABLE", details: { retryAfterSeconds: 2 }, httpStatus: 503, requestId: "1", path },
});

describe("a call", () => {
  it("is repeated only once when the new token is refused, too", async () => {
    await using world = await setUp();
    const { client, network, requests, session } = world;
    await client.auth.login.mutate(credentials);
    requests.length = 0;
    network.answer = async (path) =>
      path.endsWith("user.me")
        ? Response.json(
            [
              {
                error: {
                  message: "No",
                  code: -32001,
                  data: { code: "INVALID_TOKEN", details: {}, httpStatus: 401, requestId: "1", path: "user.me" },
                },
              },
            ],
            { status: 401 },
          )
        : null;

    const [, error] = await safe(client.user.me.query());
    expect(errorOf("user.me", error)?.code).toBe("INVALID_TOKEN");
    expect(requests.map(({ url }) => url.pathname)).toEqual(["/trpc/user.me", "/trpc/auth.refresh", "/trpc/user.me"]);
    expect(session.get().status).toBe("signedIn");
  });

  it("is not repeated when it was refused for another reason than its token", async () => {
    await using world = await setUp();
    const { client, requests, pass } = world;
    await client.auth.login.mutate(credentials);
    pass(20 * 60);
    await client.user.me.query();
    requests.length = 0;
    const [, error] = await safe(
      client.user.changePassword.mutate({ currentPassword: "x", newPassword: "a long enough new password" }),
    );
    expect(errorOf("user.changePassword", error)).toMatchObject({
      code: "REAUTHENTICATION_REQUIRED",
      details: { maxAgeSeconds: 900 },
    });
    expect(requests.map(({ url }) => url.pathname)).toEqual(["/trpc/user.changePassword"]);
  });

  it("is sent with the current token when an early refresh fails", async () => {
    await using world = await setUp();
    const { client, network, pass, requests } = world;
    const { expiresIn } = complete(await client.auth.login.mutate(credentials));
    pass(expiresIn - 30);
    network.answer = (path) => (path.endsWith("auth.refresh") ? Promise.reject(new TypeError("fetch failed")) : null);

    expect((await client.user.me.query()).username).toBe(john.username);
    expect((await client.user.me.query()).username).toBe(john.username);
    expect(refreshes(requests)).toHaveLength(1);
  });

  it("stops waiting for a refresh when its caller aborts", async () => {
    await using world = await setUp();
    const { client, network, pass } = world;
    const { expiresIn } = complete(await client.auth.login.mutate(credentials));
    pass(expiresIn + 5);
    const asked = Promise.withResolvers<void>();
    const released = Promise.withResolvers<null>();
    network.answer = (path) => {
      if (!path.endsWith("auth.refresh")) return null;
      asked.resolve();
      return released.promise;
    };
    const abort = new AbortController();
    const answer = safe(client.user.me.query(undefined, { signal: abort.signal }));
    await asked.promise;
    abort.abort();
    const [, error] = await answer;
    expect(error?.cause?.name).toBe("AbortError");
    released.resolve(null);
    expect((await client.user.me.query()).username).toBe(john.username);
  });

  it("does not wait for a sign-in that its caller aborted", async () => {
    await using world = await setUp();
    const { client, network } = world;
    const asked = Promise.withResolvers<void>();
    network.answer = (path) => {
      if (!path.endsWith("auth.login")) return null;
      asked.resolve();
      return new Promise(() => {});
    };
    const abort = new AbortController();
    const given = safe(client.auth.login.mutate(credentials, { signal: abort.signal }));
    await asked.promise;
    abort.abort();
    await given;
    network.answer = () => null;
    expect((await client.auth.login.mutate(credentials)).status).toBe("signed_in");
  });
});

describe.each(["auth.login", "auth.refresh", "auth.logout"] as const)("%s that gets no answer", (path) => {
  it("fails after the time limit, and calls that waited for it go on", async () => {
    await using world = await setUp();
    const { client, network, requests, server, tokens } = world;
    const { user } = complete(await client.auth.login.mutate(credentials));
    const current = tokens.get();
    const asked = Promise.withResolvers<void>();
    network.answer = (sent) => {
      if (!sent.endsWith(path)) return null;
      asked.resolve();
      return new Promise(() => {});
    };
    const start = globalThis.setTimeout;
    const passLimit: (() => void)[] = [];
    const timers = vi.spyOn(globalThis, "setTimeout").mockImplementation(((run: () => void, ms: number) => {
      if (ms === 30_000) passLimit.push(run);
      return start(run, ms);
    }) as typeof setTimeout);
    const calls = {
      "auth.login": () => client.auth.login.mutate(credentials),
      "auth.refresh": () => client.auth.refresh.mutate({ refreshToken: current?.refreshToken }),
      "auth.logout": () => client.auth.logout.mutate(),
    };
    const given = safe<unknown, unknown>(calls[path]());
    await asked.promise;
    timers.mockRestore();
    network.answer = () => null;
    await server.domain.sessions.endAllOf(user.id, "revoked", testSource);
    const waiting = safe(client.user.me.query());
    await vi.waitFor(() => expect(requests.at(-1)).toMatchObject({ status: 401 }));
    expect(passLimit).toHaveLength(1);
    passLimit[0]?.();
    const [, error] = await given;
    expect(errorOf(path, error)?.code).toBe("UNREACHABLE");
    expect(errorOf("user.me", (await waiting)[1])?.code).toBe("INVALID_TOKEN");
  });
});

describe("a call, after another user has signed in on a page that shares the cookie but sends no news", () => {
  const setUpTwo = async () => {
    const world = await setUp({ transport: "cookie" });
    const { users, passwords } = world.server.domain;
    const passwordHash = await passwords.hash(john.password);
    await users.create({ username: "jane", email: null, fullName: "Jane Doe", role: "user", passwordHash });
    const { expiresIn } = complete(await world.client.auth.login.mutate(credentials));
    const other = createClient<Contract>({ ...world.options, tokens: memoryTokens() });
    await other.auth.login.mutate({ username: "jane", password: john.password });
    world.requests.length = 0;
    return { ...world, expiresIn, other };
  };
  const change = { fullName: "Written by John" };

  it("is not repeated as that user when its token is refused", async () => {
    await using world = await setUpTwo();
    const { client, other, requests, serverClock, expiresIn, session } = world;
    serverClock.advanceSeconds(expiresIn + 5);
    const [, error] = await safe(client.user.update.mutate(change));
    expect(errorOf("user.update", error)?.code).toBe("INVALID_TOKEN");
    expect(requests.map(({ url }) => url.pathname)).toEqual(["/trpc/user.update", "/trpc/auth.refresh"]);
    expect(session.get()).toMatchObject({ status: "signedIn", user: { username: "jane" } });
    expect((await other.user.me.query()).fullName).toBe("Jane Doe");
  });

  it("is not sent as that user when it waits for a refresh", async () => {
    await using world = await setUpTwo();
    const { client, other, requests, pass, expiresIn, session } = world;
    pass(expiresIn + 5);
    const [, error] = await safe(client.user.update.mutate(change));
    expect([errorOf("user.update", error)?.code, error?.message]).toEqual([
      "UNREACHABLE",
      expect.stringContaining("Another user has signed in"),
    ]);
    expect(requests.map(({ url }) => url.pathname)).toEqual(["/trpc/auth.refresh"]);
    expect(session.get()).toMatchObject({ status: "signedIn", user: { username: "jane" } });
    expect((await other.user.me.query()).fullName).toBe("Jane Doe");
    await expect(client.user.me.query()).resolves.toMatchObject({ username: "jane" });
  });
});

describe("a stolen refresh token", () => {
  it("ends the session when it was redeemed before the owner's, with the reason `reused`", async () => {
    await using world = await setUp();
    const { client, server, pass, tokens, reasons } = world;
    await client.auth.login.mutate(credentials);
    const { refreshToken } = tokens.get() ?? {};
    await createClient<Contract>({ url: server.url }).auth.refresh.mutate({ refreshToken });
    pass(3600);

    const [, error] = await safe(client.user.me.query());
    expect(errorOf("user.me", error)?.code).toBe("UNAUTHENTICATED");
    expect(reasons).toEqual(["reused"]);
  });
});

describe("clocks", () => {
  it.each([-30 * 365 * 24 * 3600, 30 * 365 * 24 * 3600])(
    "that differ by %d seconds do not end the session",
    async (seconds) => {
      const clientClock = testClock(Date.now());
      const clock = testClock();
      await using server = await startTestServer({ now: clock.now });
      clientClock.advanceSeconds(seconds);
      const network = recorded(globalThis.fetch);
      const client = createClient<Contract>({ url: server.url, fetch: network.fetch, now: clientClock.now });
      const { expiresIn } = complete(await client.auth.login.mutate(credentials));
      await client.user.me.query();
      expect(refreshes(network.requests)).toHaveLength(0);

      // The client's clock is corrected while the session goes on.
      clientClock.advanceSeconds(-seconds);
      clock.advanceSeconds(expiresIn + 5);
      clientClock.advanceSeconds(expiresIn + 5);
      await client.user.me.query();
      await client.user.me.query();
      expect(refreshes(network.requests)).toHaveLength(1);
    },
  );
});

describe("with the cookie transport", () => {
  it("a page finds its session with one refresh when it loads", async () => {
    await using world = await setUp({ transport: "cookie" });
    const { client, options, requests } = world;
    await client.auth.login.mutate(credentials);
    requests.length = 0;

    const page = createClient<Contract>({ ...options, tokens: memoryTokens() });
    expect(sessionOf(page).get()).toEqual({ status: "loading" });
    const [me, state] = await Promise.all([page.user.me.query(), sessionOf(page).restore(), sessionOf(page).restore()]);
    expect(me.username).toBe(john.username);
    expect(state).toMatchObject({ status: "signedIn", user: { username: john.username } });
    expect(refreshes(requests)).toHaveLength(1);
  });

  it("a page makes one refresh for a visitor without a session, and does not call onSignedOut", async () => {
    await using world = await setUp({ transport: "cookie" });
    const { client, requests, reasons, session } = world;
    expect(await session.restore()).toEqual({ status: "signedOut", reason: null });
    for (let times = 0; times < 3; times++) {
      const [, error] = await safe(client.user.me.query());
      expect(errorOf("user.me", error)?.code).toBe("UNAUTHENTICATED");
    }
    await session.restore();
    expect(refreshes(requests)).toHaveLength(1);
    expect(reasons).toEqual([]);
  });

  it("a page learns at load that its session was revoked, and why", async () => {
    await using world = await setUp({ transport: "cookie" });
    const { client, options, server, reasons } = world;
    const { user } = complete(await client.auth.login.mutate(credentials));
    await server.domain.sessions.endAllOf(user.id, "revoked", testSource);
    const page = createClient<Contract>({ ...options, tokens: memoryTokens() });
    expect(await sessionOf(page).restore()).toEqual({ status: "signedOut", reason: "revoked" });
    expect(reasons).toEqual(["revoked"]);
  });

  it("a page that cannot reach the server does not sign its visitor out", async () => {
    await using world = await setUp({ transport: "cookie" });
    const { client, options, network } = world;
    await client.auth.login.mutate(credentials);
    network.answer = () => Promise.reject(new TypeError("fetch failed"));
    const page = createClient<Contract>({ ...options, tokens: memoryTokens() });
    await expect(sessionOf(page).restore()).rejects.toThrow("fetch failed");
    expect(sessionOf(page).get()).toMatchObject({ status: "loading", error: expect.any(Error) });
    const [, error] = await safe(page.user.me.query());
    expect(errorOf("user.me", error)?.code).toBe("UNREACHABLE");
    network.answer = () => null;
    expect((await page.user.me.query()).username).toBe(john.username);
    expect(sessionOf(page).get().status).toBe("signedIn");
  });

  it("a page whose origin the server refuses stays signed in, learns why, and warns its developer once", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    await using world = await setUp({ transport: "cookie" });
    const { client, server, network, reasons, session, pass } = world;
    await client.auth.login.mutate(credentials);
    network.answer = (path) =>
      path.endsWith("/auth.refresh")
        ? fetch(server.url + path, {
            method: "POST",
            headers: { "content-type": "application/json", origin: "https://app.example" },
            body: "{}",
          })
        : null;
    pass(3600);
    for (let times = 0; times < 2; times++) {
      const [, error] = await safe(client.user.me.query());
      expect(errorOf("user.me", error)?.code).toBe("UNREACHABLE");
      expect(errorOf("auth.refresh", error?.cause)?.code).toBe("FOREIGN_ORIGIN");
    }
    expect([session.get().status, reasons]).toEqual(["signedIn", []]);
    expect(warn.mock.calls).toEqual([[expect.stringMatching(/^FOREIGN_ORIGIN at .*PUBLIC_URL.*ALLOWED_ORIGINS\.$/)]]);
    network.answer = () => null;
    expect((await client.user.me.query()).username).toBe(john.username);
  });

  it("the refresh token is not stored where a script can read it", async () => {
    await using world = await setUp({ transport: "cookie" });
    const { client, tokens } = world;
    const answer = complete(await client.auth.login.mutate(credentials));
    expect(answer).not.toHaveProperty("refreshToken");
    expect(Object.keys(tokens.get() ?? {}).sort()).toEqual(["accessToken", "expiresAt", "refreshAt", "sessionId"]);
  });
});

describe("the store of a client", () => {
  it("keeps the session for the next client, also when it is asynchronous", async () => {
    await using world = await setUp();
    const { server } = world;
    let kept: string | null = null;
    const later = () => new Promise<void>((resolve) => setImmediate(resolve));
    const tokens = {
      async get() {
        await later();
        return kept === null ? null : JSON.parse(kept);
      },
      async set(value: object | null) {
        await later();
        kept = value && JSON.stringify(value);
      },
    };
    await createClient<Contract>({ url: server.url, tokens }).auth.login.mutate(credentials);
    const client = createClient<Contract>({ url: server.url, tokens });
    expect(sessionOf(client).get()).toEqual({ status: "loading" });
    expect(await sessionOf(client).restore()).toMatchObject({ status: "signedIn" });
    await client.user.me.query();
    expect(sessionOf(client).get()).toMatchObject({ status: "signedIn", user: { username: john.username } });
    await client.auth.logout.mutate();
    expect(kept).toBeNull();
  });

  it("keeps the device token across a sign-out, and the next sign-in sends it", async () => {
    await using world = await setUp();
    const { client, requests, tokens } = world;
    const { deviceToken } = complete(await client.auth.login.mutate(credentials));
    await client.auth.logout.mutate();
    await client.auth.login.mutate(credentials);
    expect(deviceToken).toEqual(expect.any(String));
    expect(requests.at(-1)?.body).toContain(deviceToken);
    expect(tokens.device?.get()).toEqual(expect.any(String));
  });

  it("follows changes of the user", async () => {
    await using world = await setUp();
    const { client, session } = world;
    await client.auth.login.mutate(credentials);
    let changes = 0;
    session.subscribe(() => changes++);
    await client.user.update.mutate({ fullName: "John D." });
    expect(session.get()).toMatchObject({ user: { fullName: "John D." } });
    expect(changes).toBe(1);
  });
});
