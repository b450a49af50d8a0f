import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { context, trace } from "@opentelemetry/api";
import { describe, expect, it } from "vitest";
import { openBrowser } from "../test/browser-trip.ts";
import { callsTo } from "../test/calls.ts";
import { type Collector, type ReceivedSpan, startCollector } from "../test/collector.ts";
import { engines } from "../test/engines.ts";
import { smtpError, startMailServer } from "../test/mail-server.ts";
import { defineApp } from "./app.ts";
import { startDemoProvider } from "./demo-provider.ts";
import { fixtureApp, fixtureContract } from "./fixture-app.ts";
import { john, startTestServer, type TestServerOptions } from "./testing.ts";

const run = promisify(execFile);

const start = (collector: Collector, { config, ...options }: TestServerOptions = {}) =>
  startTestServer({ ...options, config: { traces: collector.settings, ...config } });

/** A caller's `traceparent`, and the ID of its trace. */
const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const callerSpanId = "00f067aa0ba902b7";
const traceparent = `00-${traceId}-${callerSpanId}-01`;

const signIn = async (server: Awaited<ReturnType<typeof start>>, headers: Record<string, string> = {}) =>
  (await callsTo(server.app).mutate("auth.login", { username: john.username, password: john.password }, { headers }))
    .data;

/** An app with a span of its own. */
const tracingApp = defineApp({
  brand: fixtureApp.brand,
  contract: fixtureContract,
  procedures: ({ implement }) => ({
    photo: {
      album: implement(fixtureContract.operations.photo.album).handle(() =>
        trace.getTracer("app").startActiveSpan("own work", (span) => {
          span.end();
          return { title: "Traced" };
        }),
      ),
    },
  }),
});

const parentOf = ({ spans }: Collector, { parentSpanId }: ReceivedSpan) =>
  spans.find(({ spanId }) => spanId === parentSpanId);

describe.each(engines)("traces on $engine", ({ engine, newDatabase }) => {
  it("have a span for the request, the call and each statement, and continue the caller's trace", async () => {
    const database = await newDatabase();
    await using collector = await startCollector();
    {
      await using server = await start(collector, { databaseUrl: database.url });
      await signIn(server, { traceparent });
    }
    await database.drop();
    const [call] = collector.named("auth.login");
    const [request] = collector.named("POST /trpc/:path");
    const [insert] = collector.named("INSERT sessions");
    const [commit] = collector.named("COMMIT");
    expect(request).toMatchObject({
      traceId,
      parentSpanId: callerSpanId,
      kind: 2,
      attributes: { "http.request.method": "POST", "http.route": "/trpc/:path", "http.response.status_code": 200 },
    });
    expect(call).toMatchObject({
      traceId,
      parentSpanId: request?.spanId,
      attributes: { "rpc.system.name": "trpc", "rpc.method": "auth.login", "rpc.status_code": "OK" },
    });
    expect(insert).toMatchObject({
      traceId,
      parentSpanId: call?.spanId,
      kind: 3,
      attributes: {
        "db.system.name": engine === "SQLite" ? "sqlite" : "postgresql",
        "db.operation.name": "INSERT",
        "db.collection.name": "sessions",
      },
    });
    expect(commit).toMatchObject({ traceId, parentSpanId: call?.spanId });
    expect([...collector.services]).toEqual(["Lockstep"]);
    expect(collector.requests[0]?.url).toBe("/v1/traces");
  });
});

describe("traces", () => {
  it("name the operations of batches, of REST and of refused calls", async () => {
    await using collector = await startCollector();
    {
      await using server = await start(collector);
      const headers = { authorization: `Bearer ${(await signIn(server)).accessToken}` };
      await server.app.inject({ url: "/trpc/user.me,auth.methods?batch=1", headers });
      await server.app.inject({ url: "/users/me", headers });
      await server.app.inject("/users/me");
    }
    const calls = collector.named("user.me").map((span) => ({
      in: parentOf(collector, span)?.name,
      code: span.attributes["rpc.status_code"],
      error: span.attributes["error.type"],
      failed: span.status.code === 2,
    }));
    expect(calls).toEqual([
      { in: "GET /trpc/:path", code: "OK", error: undefined, failed: false },
      { in: "GET /users/me", code: "OK", error: undefined, failed: false },
      { in: "GET /users/me", code: "UNAUTHENTICATED", error: "UNAUTHENTICATED", failed: false },
    ]);
    expect(collector.named("auth.methods")).toHaveLength(1);
  });

  it("have the statements of a stream's later events within its call", async () => {
    await using collector = await startCollector();
    await using server = await start(collector);
    const { accessToken } = await signIn(server);
    const leaving = new AbortController();
    const answer = await fetch(`${server.url}/trpc/session.events`, {
      headers: { accept: "text/event-stream", authorization: `Bearer ${accessToken}`, traceparent },
      signal: leaving.signal,
    });
    const reader = answer.body?.getReader();
    let text = "";
    const until = async (event: string) => {
      while (!text.includes(event)) text += new TextDecoder().decode((await reader?.read())?.value);
    };
    await until("watching");
    // In a request and a trace of its own.
    await signIn(server);
    await until("signed_in");
    leaving.abort();
    await collector.until(
      () => collector.named("session.events").length > 0 && collector.named("GET /trpc/:path").length > 0,
    );
    const [call] = collector.named("session.events");
    expect(call).toMatchObject({ traceId, attributes: { "rpc.status_code": "OK" } });
    const [request] = collector.named("GET /trpc/:path");
    expect(request?.attributes["error.type"]).toBe("client_disconnected");
    const statements = collector.spans.filter(({ kind, parentSpanId }) => kind === 3 && parentSpanId === call?.spanId);
    expect(statements.length).toBeGreaterThan(0);
  });

  it("have the requests to an identity provider within the request that came back from it, with the host only", async () => {
    await using collector = await startCollector();
    const provider = await startDemoProvider("demo", 0);
    let back: URL;
    {
      await using server = await start(collector, { config: { providers: [provider.settings] } });
      await provider.serve({ publicUrl: server.config.publicUrl, reachableAt: server.url });
      const browser = openBrowser(server.app);
      const left = await browser.visit("/login/demo");
      back = await browser.signInAtProvider(String(left.headers.location), "ada");
      const arrived = await browser.visit(back.pathname + back.search, "cross-site");
      expect(arrived.headers.location).toBe("/");
    }
    await provider.end();
    const outbound = collector.spans
      .filter((span) => span.attributes["server.address"] === "localhost")
      .map((span) => ({ name: span.name, in: parentOf(collector, span)?.name, ...span.attributes, kind: span.kind }));
    const { port } = new URL(provider.issuer);
    const span = (name: string, within: string) => ({
      name,
      in: within,
      kind: 3,
      "http.request.method": name,
      "server.address": "localhost",
      "server.port": Number(port),
      "http.response.status_code": 200,
    });
    // Metadata; then the token, the keys and the person's profile.
    expect(outbound[0]).toEqual(span("GET", "GET /login/:provider"));
    expect(outbound).toContainEqual(span("POST", "GET /login/:provider/callback"));
    expect(outbound.length).toBeGreaterThan(2);
    expect(new Set(outbound.slice(1).map((each) => each.in))).toEqual(new Set(["GET /login/:provider/callback"]));
    const sent = collector.bodies.join();
    for (const name of ["code", "state"]) expect(sent).not.toContain(back.searchParams.get(name));
    expect(sent).not.toMatch(/openid-configuration|\/jwks/i);
  });

  it("have a span for a mail that is sent, with the host only", async () => {
    await using collector = await startCollector();
    await using mail = await startMailServer({ hideSTARTTLS: true, disabledCommands: ["STARTTLS"] });
    {
      const mailServer = { ...mail.mailServer, plaintext: true };
      await using server = await start(collector, {
        config: { mail: { on: true, server: mailServer, from: { name: null, address: "no-reply@example.com" } } },
      });
      await callsTo(server.app).mutate("account.register", { email: "new@example.com" });
      await expect.poll(() => mail.mails.length, { timeout: 30_000 }).toBe(1);
      await expect
        .poll(() => server.domain.messages.list({ state: "sent", limit: 1 }), { timeout: 30_000 })
        .toHaveLength(1);
    }
    const [sending, ...others] = collector.named("SMTP");
    expect(others).toEqual([]);
    expect(sending).toMatchObject({
      kind: 3,
      attributes: {
        "network.protocol.name": "smtp",
        "server.address": "localhost",
        "server.port": mail.mailServer.port,
      },
    });
    // It is sent in the background, after the call.
    expect(sending?.parentSpanId ?? "").toBe("");
    expect(sending?.status.code).not.toBe(2);
    expect(collector.bodies.join()).not.toMatch(/new@example\.com|[B-Z]{4}-[B-Z]{4}/);
  });

  it("say that a mail could not be sent, and not what the mail server answered", async () => {
    await using collector = await startCollector();
    await using mail = await startMailServer({
      hideSTARTTLS: true,
      disabledCommands: ["STARTTLS"],
      onRcptTo: ({ address }, _session, done) => done(smtpError(550, `no such person here: ${address}`)),
    });
    {
      const mailServer = { ...mail.mailServer, plaintext: true };
      await using server = await start(collector, {
        config: { mail: { on: true, server: mailServer, from: { name: null, address: "no-reply@example.com" } } },
      });
      await callsTo(server.app).mutate("account.register", { email: "new@example.com" });
      await expect
        .poll(() => server.domain.messages.list({ state: "given_up", limit: 1 }), { timeout: 30_000 })
        .toHaveLength(1);
    }
    expect(collector.named("SMTP")).toMatchObject([
      { status: { code: 2 }, attributes: { "error.type": "MailFailure" } },
    ]);
    expect(collector.bodies.join()).not.toMatch(/new@example\.com|no such|here/);
  });

  it.each([
    ["00-00000000000000000000000000000000-00f067aa0ba902b7-01"],
    ["00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"],
    ["ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
    ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"],
    ["00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"],
    ["john@example.com"],
  ])("begin anew with the invalid traceparent %s", async (invalid) => {
    await using collector = await startCollector();
    {
      await using server = await start(collector);
      await server.app.inject({ url: "/users/me", headers: { traceparent: invalid } });
    }
    const [request] = collector.named("GET /users/me");
    expect(request?.traceId).toMatch(/^[\da-f]{32}$/);
    expect(request?.traceId).not.toBe(traceId);
    expect(request?.parentSpanId ?? "").toBe("");
    expect(collector.bodies.join()).not.toContain("john@example.com");
  });

  it("keep only what the caller's flags and the sampler say", async () => {
    await using collector = await startCollector();
    {
      await using server = await start(collector);
      await server.app.inject({ url: "/users/me", headers: { traceparent: traceparent.replace(/01$/, "00") } });
      await server.app.inject("/healthz");
    }
    expect(collector.spans.filter(({ kind }) => kind === 2)).toEqual([]);
    const sampler = { name: "always_off", ratio: 1 } as const;
    {
      await using server = await start(collector, { config: { traces: { ...collector.settings, sampler } } });
      await server.app.inject({ url: "/users/me", headers: { traceparent } });
    }
    expect(collector.spans.filter(({ kind }) => kind === 2)).toEqual([]);
  });

  it("send the headers of the settings, and a name of the service", async () => {
    await using collector = await startCollector();
    const traces = { ...collector.settings, headers: { authorization: "Bearer x" }, serviceName: "accounts" };
    {
      await using server = await start(collector, { config: { traces } });
      await server.app.inject("/users/me");
    }
    expect(collector.requests[0]?.headers).toMatchObject({ authorization: "Bearer x" });
    expect([...collector.services]).toEqual(["accounts"]);
  });

  it("are named in every log line of their request", async () => {
    await using collector = await startCollector();
    const lines: string[] = [];
    {
      await using server = await start(collector, {
        config: { logRequests: true },
        logger: { level: "info", stream: { write: (line) => void lines.push(line) } },
      });
      const { accessToken } = await signIn(server);
      await server.db.schema.alterTable("users").renameTo("gone").execute();
      const authorization = `Bearer ${accessToken}`;
      await server.app.inject({ url: "/users/me", headers: { traceparent, authorization } });
    }
    const entries = lines.flatMap((each) => each.trimEnd().split("\n")).map((each) => JSON.parse(each));
    const [failure, request] = entries.filter(({ trace_id }) => trace_id === traceId);
    expect(failure).toMatchObject({ level: 50, route: "GET /users/me", reqId: expect.any(String) });
    expect(request).toMatchObject({ msg: "request", status: 500, reqId: failure.reqId });
    expect(entries.find(({ msg }) => String(msg).startsWith("Server listening"))).not.toHaveProperty("trace_id");
  });

  it("include spans of the app's own code", async () => {
    await using collector = await startCollector();
    {
      await using server = await start(collector, { app: tracingApp });
      server.traces?.register();
      const headers = { traceparent, authorization: `Bearer ${(await signIn(server)).accessToken}` };
      await server.app.inject({ url: "/api/album", headers }).finally(() => {
        context.disable();
        trace.disable();
      });
    }
    const [own] = collector.named("own work");
    expect(own).toMatchObject({ traceId });
    expect(own && parentOf(collector, own)?.name).toBe("photo.album");
  });

  it("load nothing while they are off", async () => {
    const loaded = async (env: Record<string, string>): Promise<string[]> => {
      const program = fileURLToPath(new URL("../test/loaded-modules.ts", import.meta.url));
      const { stdout } = await run(process.execPath, [program], {
        env: { ...process.env, ...env },
        maxBuffer: 2 ** 24,
      });
      return JSON.parse(stdout);
    };
    await using collector = await startCollector();
    const isOurs = (url: string) => url.includes("opentelemetry");
    const [off, on] = await Promise.all([loaded({}), loaded({ COLLECTOR: collector.settings.url })]);
    expect(off.length).toBeGreaterThan(100);
    expect(off.filter(isOurs)).toEqual([]);
    expect(on.filter(isOurs).length).toBeGreaterThan(0);
  });
});

describe("a collector that", () => {
  const logged = (lines: string[]) => ({ level: "info", stream: { write: (line: string) => void lines.push(line) } });
  const linesAbout = (lines: readonly string[]) => lines.filter((line) => line.includes("traces"));

  it("refuses is told once, and once more when it answers again", async () => {
    await using collector = await startCollector(400);
    const lines: string[] = [];
    await using server = await start(collector, { logger: logged(lines) });
    const bringBatch = async () => {
      const count = collector.bodies.length;
      await server.app.inject("/users/me");
      await collector.until(() => collector.bodies.length > count);
    };
    for (let batch = 0; batch < 3; batch++) await bringBatch();
    collector.state.answer = 200;
    await bringBatch();
    await bringBatch();
    expect(linesAbout(lines).map((line) => JSON.parse(line))).toMatchObject([
      { level: 40, reason: "400", msg: "traces cannot be sent, and are dropped until the collector answers" },
      { level: 30, msg: "traces are sent again" },
    ]);
  });

  it("is down delays neither calls nor the shutdown", async () => {
    const collector = await startCollector();
    await collector[Symbol.asyncDispose]();
    const lines: string[] = [];
    const server = await start(collector, {
      logger: logged(lines),
      world: { tracesLimits: { delayMs: 1, sendMs: 100, shutdownMs: 10_000 } },
    });
    expect((await server.app.inject("/users/me")).statusCode).toBe(401);
    await server.close();
    expect(linesAbout(lines).map((line) => JSON.parse(line).reason)).toEqual(["ECONNREFUSED"]);
  });

  it("never answers delays no call, and the shutdown only up to its limit", async () => {
    await using collector = await startCollector("hang");
    const server = await start(collector, {
      // The shutdown ends long before the batch does.
      world: { tracesLimits: { delayMs: 1, sendMs: 3_600_000, shutdownMs: 1 } },
    });
    await server.app.inject("/users/me");
    await collector.until(() => collector.bodies.length > 0);
    expect((await server.app.inject("/users/me")).statusCode).toBe(401);
    // Sending alone would take an hour.
    await server.close();
  });

  it("never answers delays no call of any kind, however many", async () => {
    await using collector = await startCollector("hang");
    const server = await start(collector, {
      // A call that waited for a batch would wait an hour.
      world: { tracesLimits: { delayMs: 1, sendMs: 3_600_000, shutdownMs: 1 } },
    });
    const { accessToken } = await signIn(server);
    await collector.until(() => collector.bodies.length > 0);
    const headers = { authorization: `Bearer ${accessToken}` };
    // More spans than are kept.
    for (let round = 0; round < 20; round++) {
      const answers = await Promise.all(
        Array.from({ length: 50 }, () => server.app.inject({ url: "/trpc/user.me,session.list?batch=1", headers })),
      );
      expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([200]));
    }
    expect((await callsTo(server.app).mutate("auth.logout", undefined, { token: accessToken })).status).toBe(200);
    await server.close();
  });

  it("never answers makes the server keep a bounded number of spans", async () => {
    await using collector = await startCollector("hang");
    const server = await start(collector, {
      world: { tracesLimits: { delayMs: 1, sendMs: 3_600_000, shutdownMs: 1000 } },
    });
    const { traces } = server;
    for (let n = 0; n < 10_000; n++)
      traces?.beginRequest({ method: "GET", route: "/flood", traceparent: undefined }).end(200);
    const closed = server.close();
    await collector.until(() => collector.bodies.length >= 5);
    const kept = collector.bodies.join().match(/"GET \/flood"/g)?.length;
    // 2048 that waited, and one batch that was being sent.
    expect(kept).toBeLessThanOrEqual(2048 + 512);
    await closed;
  });
});
