// Watching sessions through the client, over a stream that sends the token in a header.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ClientOptions, createClient, errorOf, memoryTokens, sessionOf } from "@lockstep/client";
import type { SessionEvent } from "@lockstep/kit";
import { john, startTestServer, testClock, testSource } from "@lockstep/server/testing";
import { afterEach, describe, expect, inject, it, vi } from "vitest";
import { eventsOf, FetchEventSource } from "../src/event-source.ts";
import { complete, cookieJar, recorded, refreshes } from "./requests.ts";

const credentials = { username: john.username, password: john.password };

const waitFor = (assertion: () => void) => vi.waitFor(assertion, { timeout: inject("patienceMs") });

/** A signed-in client, and the events that it receives. */
const watch = async (
  url: string,
  now: () => number = Date.now,
  { fetch = globalThis.fetch, ...options }: Pick<ClientOptions, "fetch"> & { transport?: "cookie" } = {},
) => {
  const network = recorded(fetch);
  let received = "";
  const listening = () => {
    const decoder = new TextDecoder();
    return new TransformStream<Uint8Array, Uint8Array>({
      transform(bytes, controller) {
        received += decoder.decode(bytes, { stream: true });
        controller.enqueue(bytes);
      },
    });
  };
  network.change = async (path, response) =>
    path.endsWith("/session.events") ? new Response(response.body?.pipeThrough(listening()), response) : response;
  const reasons: string[] = [];
  const tokens = memoryTokens();
  const client = createClient({
    url,
    tokens,
    fetch: network.fetch,
    now,
    onSignedOut: (reason) => reasons.push(reason),
    ...options,
  });
  const signedIn = complete(await client.auth.login.mutate(credentials));
  const seen: SessionEvent[] = [];
  const errors: unknown[] = [];
  let completed = false;
  const subscription = client.session.events.subscribe(undefined, {
    onData: (event) => seen.push(event),
    onError: (error) => errors.push(error),
    onComplete: () => {
      completed = true;
    },
  });
  const streams = () => network.requests.filter(({ url: { pathname } }) => pathname === "/trpc/session.events");
  const watching = (times: number) =>
    waitFor(() => expect(seen.filter(({ type }) => type === "watching")).toHaveLength(times));
  await watching(1);
  return {
    client,
    network,
    reasons,
    tokens,
    seen,
    errors,
    streams,
    received: () => received,
    watching,
    signedIn,
    completed: () => completed,
    [Symbol.dispose]: () => subscription.unsubscribe(),
  };
};

describe("session.events with a fetch that cannot read a response while it arrives", () => {
  /** The answer of React Native's own `fetch`: it comes when the response is complete, and has no `body`. */
  const whole = async (...call: Parameters<typeof fetch>): Promise<Response> => {
    const response = await fetch(...call);
    const text = await response.text();
    const { ok, status, headers } = response;
    return { ok, status, headers, text: async () => text, json: async () => JSON.parse(text) } as Response;
  };
  /** The same without waiting for the end. */
  const withoutBody = async (...call: Parameters<typeof fetch>): Promise<Response> => {
    const { ok, status, headers, body } = await fetch(...call);
    return { ok, status, headers, json: () => new Response(body).json() } as Response;
  };

  /** The error of a subscription of a user who is signed in. */
  const errorOfWatching = async (url: string, fetch: typeof globalThis.fetch): Promise<unknown> => {
    const client = createClient({ url, fetch });
    await client.auth.login.mutate(credentials);
    return new Promise((resolve) => client.session.events.subscribe(undefined, { onError: resolve }));
  };

  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it("fails with STREAMING_UNSUPPORTED, and names expo/fetch", async () => {
    await using server = await startTestServer();
    const error = await errorOfWatching(server.url, withoutBody);
    expect(errorOf("session.events", error)).toEqual({ code: "STREAMING_UNSUPPORTED", details: {} });
    expect(String(error)).toContain("expo/fetch");
  });

  it("fails on React Native, whose fetch would wait for the end of the stream", async () => {
    await using server = await startTestServer();
    vi.stubGlobal("Response", class {});
    const error = await errorOfWatching(server.url, whole);
    expect(errorOf("session.events", error)).toEqual({ code: "STREAMING_UNSUPPORTED", details: {} });
  });

  it("watches on React Native with expo/fetch", async () => {
    await using server = await startTestServer();
    vi.stubGlobal("Response", class {});
    const client = createClient({ url: server.url, fetch: (...call) => fetch(...call) });
    await client.auth.login.mutate(credentials);
    const event = await new Promise((resolve, reject) => {
      const watching = client.session.events.subscribe(undefined, {
        onData: (data) => {
          watching.unsubscribe();
          resolve(data);
        },
        onError: reject,
      });
    });
    expect(event).toEqual({ type: "watching" });
  });
});

describe("session.events", () => {
  it("reports sign-ins elsewhere, and no URL contains a token", async () => {
    await using server = await startTestServer();
    using watcher = await watch(server.url);
    await createClient({ url: server.url }).auth.login.mutate(credentials);
    await waitFor(() => expect(watcher.seen.map(({ type }) => type)).toEqual(["watching", "signed_in"]));

    expect(watcher.streams().map(({ authorization }) => authorization)).toEqual([
      `Bearer ${watcher.signedIn.accessToken}`,
    ]);
    const tokens = Object.values(watcher.tokens.get() ?? {}).filter((value) => String(value).length > 20);
    expect(tokens.length).toBeGreaterThan(1);
    for (const { url } of watcher.network.requests) {
      for (const token of tokens) expect(url.href).not.toContain(token);
    }
  });

  it("reconnects with a fresh token when the connection drops after the token expired", async () => {
    const clock = testClock();
    await using server = await startTestServer({ now: clock.now });
    // By the client's clock the token is new, so the server has to refuse it first.
    using watcher = await watch(server.url);
    clock.advanceSeconds(3600);
    server.app.server.closeAllConnections();
    await watcher.watching(2);

    expect(watcher.streams()).toHaveLength(3);
    expect(refreshes(watcher.network.requests)).toHaveLength(1);
    expect(watcher.streams().at(-1)?.authorization).toBe(`Bearer ${watcher.tokens.get()?.accessToken}`);
    expect(watcher.errors).toEqual([]);
    expect(watcher.reasons).toEqual([]);
    await createClient({ url: server.url }).auth.login.mutate(credentials);
    await waitFor(() => expect(watcher.seen.at(-1)?.type).toBe("signed_in"));
  });

  it("refreshes an expired token before it reconnects", async () => {
    const clock = testClock();
    await using server = await startTestServer({ now: clock.now });
    using watcher = await watch(server.url, clock.now);
    clock.advanceSeconds(3600);
    server.app.server.closeAllConnections();
    await watcher.watching(2);
    expect(watcher.streams()).toHaveLength(2);
  });

  it("reconnects after the server was stopped and another took its place", async () => {
    const directory = await mkdtemp(join(tmpdir(), "lockstep-client-"));
    const databaseUrl = `file:${join(directory, "test.db")}` as const;
    const first = await startTestServer({ databaseUrl });
    using watcher = await watch(first.url);
    await first.close();
    {
      await using second = await startTestServer({ databaseUrl, config: { port: Number(new URL(first.url).port) } });
      await watcher.watching(2);
      expect(second.url).toBe(first.url);
      expect(watcher.completed()).toBe(false);
      expect(watcher.errors).toEqual([]);
    }
    await rm(directory, { recursive: true });
  });

  it("ends with its session without reconnecting, and reports the reason once", async () => {
    await using server = await startTestServer();
    using watcher = await watch(server.url);
    await server.domain.sessions.endAllOf(watcher.signedIn.user.id, "password_changed", testSource);
    await waitFor(() => expect(watcher.errors).toHaveLength(1));

    expect(errorOf("session.events", watcher.errors[0])).toMatchObject({
      code: "SESSION_ENDED",
      details: { reason: "password_changed" },
    });
    expect(watcher.reasons).toEqual(["password_changed"]);
    expect(sessionOf(watcher.client).get()).toEqual({ status: "signedOut", reason: "password_changed" });
    expect(watcher.tokens.get()).toBeNull();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(watcher.streams()).toHaveLength(1);
    expect(watcher.reasons).toHaveLength(1);
  });

  it("continues when it sees the end of its session before the answer to the sign-in that replaced it", async () => {
    await using server = await startTestServer();
    using watcher = await watch(server.url, Date.now, { transport: "cookie", fetch: cookieJar(server.url).fetch });
    const { client, network, signedIn, reasons, streams } = watcher;
    const answered = Promise.withResolvers<void>();
    network.hold = (path) => (path.endsWith("/auth.login") ? answered.promise : null);
    const again = client.auth.login.mutate(credentials);
    await waitFor(() => expect(watcher.received()).toContain("SESSION_ENDED"));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(sessionOf(client).get()).toMatchObject({ status: "signedIn", sessionId: signedIn.sessionId });

    answered.resolve();
    const { sessionId } = complete(await again);
    await watcher.watching(2);
    expect(streams()).toHaveLength(2);
    expect(sessionOf(client).get()).toMatchObject({ status: "signedIn", sessionId });
    expect([...reasons, ...watcher.errors]).toEqual([]);
  });

  it("does not continue as another user who signed in while the stream was disconnected", async () => {
    await using server = await startTestServer();
    const { users, passwords } = server.domain;
    const passwordHash = await passwords.hash(john.password);
    await users.create({ username: "jane", email: null, fullName: "Jane Doe", role: "user", passwordHash });
    using watcher = await watch(server.url);
    const { client, network, errors, streams } = watcher;
    network.answer = (path) => (path.endsWith("session.events") ? Promise.reject(new TypeError("fetch failed")) : null);
    server.app.server.closeAllConnections();
    await waitFor(() => expect(streams()).toHaveLength(2));
    await client.auth.login.mutate({ ...credentials, username: "jane" });
    network.answer = () => null;
    await waitFor(() => expect(errors).toEqual([expect.objectContaining({ message: "Another user has signed in" })]));
    expect(await client.user.me.query()).toMatchObject({ username: "jane" });
    expect(streams().filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it("ends when the session ended while the stream was disconnected", async () => {
    await using server = await startTestServer();
    using watcher = await watch(server.url);
    watcher.network.answer = (path) =>
      path.endsWith("session.events") ? Promise.reject(new TypeError("fetch failed")) : null;
    server.app.server.closeAllConnections();
    await waitFor(() => expect(watcher.streams()).toHaveLength(2));
    await server.domain.sessions.endAllOf(watcher.signedIn.user.id, "revoked", testSource);
    watcher.network.answer = () => null;
    await waitFor(() => expect(watcher.errors).toHaveLength(1));
    expect(errorOf("session.events", watcher.errors[0])?.code).toBe("INVALID_TOKEN");
    expect(watcher.reasons).toEqual(["revoked"]);
  });

  const tooMany = {
    message: "Too many streams are open.",
    code: -32029,
    data: {
      code: "TOO_MANY_STREAMS",
      details: { limit: "session", max: 20, retryAfterSeconds: 2 },
      httpStatus: 429,
      requestId: "1",
    },
  };
  const inStream = `event: connected\ndata: {}\n\nevent: serialized-error\ndata: ${JSON.stringify(tooMany)}\n\n`;
  it.each([
    ["in a stream", () => new Response(inStream, { headers: { "content-type": "text/event-stream" } })],
    ["in place of a stream", () => Response.json({ error: tooMany }, { status: 429 })],
  ])(
    "[S91] waits as long as the server says when too many streams are open, and then connects: %s",
    async (_, refusal) => {
      await using server = await startTestServer();
      using watcher = await watch(server.url);
      let refused = false;
      watcher.network.answer = (path) => {
        if (refused || !path.endsWith("session.events")) return null;
        refused = true;
        return Promise.resolve(refusal());
      };
      const timers = vi.spyOn(globalThis, "setTimeout");
      server.app.server.closeAllConnections();
      await watcher.watching(2);
      // Without the server's 2 s, the wait would be 1 s at most.
      const waits = timers.mock.calls.filter(([, delayMs = 0]) => delayMs >= 2500 && delayMs <= 4000);
      timers.mockRestore();
      expect(waits).toHaveLength(1);
      expect(watcher.errors).toEqual([]);
      expect(watcher.streams()).toHaveLength(3);
    },
  );

  it("[S91] backs off while it is refused, and never retries earlier than the server says", async () => {
    vi.useFakeTimers();
    vi.spyOn(Math, "random").mockReturnValue(1);
    try {
      const askedAt: number[] = [];
      const source = new FetchEventSource("http://localhost/trpc/session.events", {
        async connect() {
          askedAt.push(Date.now());
          return new Response(inStream);
        },
        recover: async () => false,
      });
      await vi.advanceTimersByTimeAsync(100_000);
      source.close();
      const waits = askedAt.slice(1).map((at, n) => (at - (askedAt[n] as number)) / 1000);
      expect(waits.map((seconds) => seconds - tooMany.data.details.retryAfterSeconds)).toEqual([1, 2, 4, 8, 16, 30]);
    } finally {
      vi.useRealTimers();
      vi.restoreAllMocks();
    }
  });

  it.each(["soon", -5, 1e300, null])(
    "backs off when an app's own error asks to wait %j seconds",
    async (retryAfterSeconds) => {
      vi.useFakeTimers();
      try {
        let asked = 0;
        const busy = { ...tooMany, data: { ...tooMany.data, code: "BUSY", details: { retryAfterSeconds } } };
        const source = new FetchEventSource("http://localhost/trpc/session.events", {
          async connect() {
            asked++;
            return new Response(`event: serialized-error\ndata: ${JSON.stringify(busy)}\n\n`);
          },
          recover: async () => false,
        });
        await vi.advanceTimersByTimeAsync(100_000);
        source.close();
        expect(asked).toBeLessThan(12);
      } finally {
        vi.useRealTimers();
      }
    },
  );

  it("continues after the last event, whatever text its ID is", async () => {
    const asked: (string | null)[] = [];
    const client = createClient({
      url: "http://localhost",
      async fetch(address) {
        asked.push(new URL(address instanceof Request ? address.url : address).searchParams.get("lastEventId"));
        return new Response("id: 7 日本&é\ndata: {}\n\n", { headers: { "content-type": "text/event-stream" } });
      },
    });
    const subscription = client.session.events.subscribe(undefined, { onData() {} });
    await waitFor(() => expect(asked.length).toBeGreaterThan(1));
    subscription.unsubscribe();
    expect(asked.slice(0, 2)).toEqual([null, "7 日本&é"]);
  });

  it("is refused without a token", async () => {
    await using server = await startTestServer();
    const error = await new Promise((resolve) =>
      createClient({ url: server.url }).session.events.subscribe(undefined, { onError: resolve }),
    );
    expect(errorOf("session.events", error)).toMatchObject({ code: "UNAUTHENTICATED", httpStatus: 401 });
  });
});

describe("a stream's events", () => {
  const text =
    "\uFEFFevent: connected\ndata: {}\n\n: a comment\n\nretry: 10\nid: 7\ndata: first\ndata:second: line\n\nevent: none\n\n" +
    "data: é✓\r\n\r\nunknown: field\ndata\n\nevent:\rdata: carriage\rdata: returns\r\rid: a\0b\ndata: no ID\n\ndata: cut off";
  const expected = [
    { type: "connected", data: "{}" },
    { type: "message", data: "first\nsecond: line", lastEventId: "7" },
    { type: "message", data: "é✓" },
    { type: "message", data: "" },
    { type: "message", data: "carriage\nreturns" },
    { type: "message", data: "no ID" },
  ];

  it.each([1, 2, 3, 7, 1000])("are read from chunks of %d bytes", async (size) => {
    const bytes = new TextEncoder().encode(text);
    const body = new ReadableStream({
      start(controller) {
        for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
        controller.close();
      },
    });
    const events = [];
    for await (const event of eventsOf(new Response(body))) events.push(event);
    expect(events).toEqual(expected);
  });

  it("cancels the response when its reader leaves", async () => {
    let cancelled = false;
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(new TextEncoder().encode("data: 1\n\ndata: 2\n\n")),
      cancel() {
        cancelled = true;
      },
    });
    for await (const { data } of eventsOf(new Response(body))) if (data === "2") break;
    expect(cancelled).toBe(true);
  });
});
