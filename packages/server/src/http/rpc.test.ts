import { connect } from "node:net";
import cookie from "@fastify/cookie";
import type { User } from "@lockstep/kit";
import type { AnyTRPCRouter } from "@trpc/server";
import Fastify from "fastify";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { z } from "zod";
import { anyContractOf, anyone, contractOf, query, subscription } from "../../test/words.ts";
import { beginWait, withDatabaseLimit } from "../db/time-limit.ts";
import { DomainError, RefusedError } from "../domain/kernel/domain-error.ts";
import { createRouter, implement } from "../rpc/trpc.ts";
import { grantedToken, john, resourceMetadata, startTestServer, type TestServer, typed } from "../testing.ts";
import { refusalHeaders, rpcRoutes } from "./rpc.ts";

type Item = {
  error?: { data: { code: string; httpStatus: number; wwwAuthenticate?: string; stack?: string } };
  result?: unknown;
};

let server: TestServer;
let accessToken: string;
let user: User;

beforeAll(async () => {
  server = await startTestServer();
  const result = await server.domain.signIn.withPassword(typed(john.username, john.password));
  ({ accessToken, user } = result);
});
afterAll(() => server.close());

const call = async (path: string, init: RequestInit = {}) => {
  const response = await fetch(`${server.url}/trpc/${path}`, init);
  const text = await response.text();
  return { response, text, body: JSON.parse(text) as Item & Item[] };
};
const post = (path: string, body: string | Buffer<ArrayBuffer>, headers: Record<string, string> = {}) =>
  call(path, { method: "POST", headers: { "content-type": "application/json", ...headers }, body });
const me = (authorization?: string) =>
  call("user.me", authorization === undefined ? {} : { headers: { authorization } });
const thirdParty = async (...scopes: ("profile:read" | "photos:read")[]) =>
  (await grantedToken(server, user.id, scopes)).accessToken;

describe("signing in over HTTP", () => {
  it("[S35] issues a token that user.me accepts, with Cache-Control: no-store", async () => {
    const login = await post("auth.login", JSON.stringify({ username: "John", password: "secret" }));
    expect(login.response.status).toBe(200);
    expect(login.response.headers.get("cache-control")).toBe("no-store");
    const { data } = login.body.result as { data: { accessToken: string; tokenType: string; expiresIn: number } };
    expect(data).toMatchObject({ status: "signed_in", tokenType: "Bearer", expiresIn: 600 });
    const { response, body } = await me(`Bearer ${data.accessToken}`);
    expect(response.status).toBe(200);
    expect(body.result).toMatchObject({ data: { username: "john", fullName: "John Doe", disabled: false } });
    expect(JSON.stringify(body)).not.toMatch(/hash|\$2b\$/);
  });

  it("accepts the e-mail address in place of the username", async () => {
    const { response } = await post("auth.login", JSON.stringify({ username: john.email, password: john.password }));
    expect(response.status).toBe(200);
  });
});

describe("challenges (RFC 6750)", () => {
  it("[S36] answers a missing token with a bare challenge", async () => {
    const { response, body } = await me();
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe(`Bearer ${resourceMetadata}`);
    expect(body.error?.data).toMatchObject({ code: "UNAUTHENTICATED", httpStatus: 401, wwwAuthenticate: "Bearer" });
  });

  it("[S36] treats another scheme as no token", async () => {
    const { response } = await me("Basic am9objpzZWNyZXQ=");
    expect(response.headers.get("www-authenticate")).toBe(`Bearer ${resourceMetadata}`);
  });

  it.each(["Bearer", "Bearer ", "Bearer x", "Bearer a.b.c", "Bearer \t", `Bearer ${"x".repeat(8000)}`])(
    "[S37] answers the bad token %j with invalid_token",
    async (authorization) => {
      const { response, body } = await me(authorization);
      expect(response.status).toBe(401);
      expect(response.headers.get("www-authenticate")).toContain('Bearer error="invalid_token"');
      expect(body.error?.data.code).toBe("INVALID_TOKEN");
    },
  );

  it("[S37] answers a token whose session has ended with invalid_token", async () => {
    const login = await server.domain.signIn.withPassword(typed(john.username, john.password));
    const authorization = `Bearer ${login.accessToken}`;
    expect((await me(authorization)).response.status).toBe(200);
    expect((await post("auth.logout", "", { authorization })).response.status).toBe(200);
    const { response } = await me(authorization);
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toContain('error="invalid_token"');
  });

  it("[S38] answers a missing scope with 403 and exactly the required scopes", async () => {
    const { response, body } = await me(`Bearer ${await thirdParty("photos:read")}`);
    expect(response.status).toBe(403);
    expect(response.headers.get("www-authenticate")).toBe(
      `Bearer error="insufficient_scope", scope="profile:read", ${resourceMetadata}`,
    );
    expect(body.error?.data).toMatchObject({ code: "INSUFFICIENT_SCOPE", details: { scopes: ["profile:read"] } });
  });

  it("refuses a first-party operation to third-party clients, whatever their scopes", async () => {
    const authorization = `Bearer ${await thirdParty("profile:read", "photos:read")}`;
    expect((await me(authorization)).response.status).toBe(200);
    const { response, body } = await post("auth.logout", "", { authorization });
    expect(response.status).toBe(403);
    expect(body.error?.data.code).toBe("FIRST_PARTY_ONLY");
  });

  it("[S39] refuses two tokens in one request with invalid_request", async () => {
    const raw = await rawRequest(
      `GET /trpc/user.me HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${accessToken}\r\nauthorization: Bearer ${accessToken}\r\nconnection: close\r\n\r\n`,
    );
    expect(raw).toMatch(/^HTTP\/1\.1 400 /);
    expect(raw).toContain('Bearer error="invalid_request"');
    const both = await call(`user.me?access_token=${accessToken}`, {
      headers: { authorization: `Bearer ${accessToken}` },
    });
    expect(both.response.status).toBe(400);
    expect(both.response.headers.get("www-authenticate")).toContain('error="invalid_request"');
  });

  it("[S40] refuses a token in the URL", async () => {
    const { response, body } = await call(`user.me?access_token=${accessToken}`);
    expect(response.status).toBe(400);
    expect(body.error?.data.code).toBe("AMBIGUOUS_TOKEN");
  });

  it.each(["bearer", "BEARER", "bEaReR"])("[S41] accepts the scheme as %s", async (scheme) => {
    expect((await me(`${scheme} ${accessToken}`)).response.status).toBe(200);
  });

  it("answers each call of a batch separately", async () => {
    const authorization = `Bearer ${await thirdParty("profile:read")}`;
    const { response, body } = await call("user.me,photo.album,nope?batch=1", { headers: { authorization } });
    expect(response.status).toBe(207);
    expect(body.map((item) => item.error?.data.code ?? "OK")).toEqual([
      "OK",
      "INSUFFICIENT_SCOPE",
      "OPERATION_NOT_FOUND",
    ]);
    expect(body[1]?.error?.data.wwwAuthenticate).toBe('Bearer error="insufficient_scope", scope="photos:read"');
  });

  it("puts the challenge into the header when a whole batch was refused", async () => {
    const { response, body } = await call("user.me,photo.album?batch=1");
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe(`Bearer ${resourceMetadata}`);
    expect(body.map((item) => item.error?.data.httpStatus)).toEqual([401, 401]);
  });
});

describe("bad input", () => {
  const login = JSON.stringify({ username: "john", password: "secret" });
  const deep = "[".repeat(10_000) + "]".repeat(10_000);

  it.each<[name: string, request: () => ReturnType<typeof call>, status: number, code: string]>([
    ["malformed JSON", () => post("auth.login", "{bad"), 400, "MALFORMED_REQUEST"],
    ["an unknown operation", () => call("user.nope"), 404, "OPERATION_NOT_FOUND"],
    ["an area", () => call("user"), 404, "OPERATION_NOT_FOUND"],
    ["a path below an operation", () => call("user/me"), 404, "OPERATION_NOT_FOUND"],
    ["a name of Object.prototype", () => call("constructor"), 404, "OPERATION_NOT_FOUND"],
    ["__proto__", () => call("__proto__.toString"), 404, "OPERATION_NOT_FOUND"],
    ["no operation at all", () => call(""), 404, "OPERATION_NOT_FOUND"],
    ["wrong types", () => post("auth.login", '{"username":1,"password":[]}'), 400, "INVALID_INPUT"],
    ["a missing body", () => post("auth.login", ""), 400, "INVALID_INPUT"],
    ["no content type", () => call("auth.login", { method: "POST" }), 415, "UNSUPPORTED_MEDIA_TYPE"],
    ["a body of 5 MB", () => post("auth.login", "x".repeat(5_000_000)), 413, "PAYLOAD_TOO_LARGE"],
    ["a body nested 10,000 deep", () => post("auth.login", deep), 400, "INVALID_INPUT"],
    ["an operation that changes something by GET", () => call("auth.login"), 405, "METHOD_NOT_ALLOWED"],
    ["an operation that reads by POST", () => post("user.me", "{}"), 405, "METHOD_NOT_ALLOWED"],
    [
      "PUT",
      () => call("auth.login", { method: "PUT", headers: { "content-type": "application/json" }, body: login }),
      405,
      "METHOD_NOT_ALLOWED",
    ],
    ["a null byte", () => post("auth.login", '{"username":"jo\\u0000hn","password":"secret"}'), 400, "INVALID_INPUT"],
    ["half a surrogate pair", () => post("auth.login", '{"username":"\\ud800","password":"x"}'), 400, "INVALID_INPUT"],
    [
      "invalid UTF-8",
      () =>
        post("auth.login", Buffer.concat([Buffer.from('{"username":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')])),
      400,
      "MALFORMED_REQUEST",
    ],
    [
      "a form",
      () => post("auth.login", "username=john", { "content-type": "application/x-www-form-urlencoded" }),
      415,
      "UNSUPPORTED_MEDIA_TYPE",
    ],
    ["XML", () => post("auth.login", "<a/>", { "content-type": "application/xml" }), 415, "UNSUPPORTED_MEDIA_TYPE"],
    [
      "a password of a megabyte",
      () => post("auth.login", JSON.stringify({ username: "john", password: "x".repeat(1 << 20) })),
      413,
      "PAYLOAD_TOO_LARGE",
    ],
    [
      "a password longer than any",
      () => post("auth.login", JSON.stringify({ username: "john", password: "x".repeat(2000) })),
      400,
      "INVALID_INPUT",
    ],
    [
      "malformed input in the URL",
      () => call("user.me?input=%7Bbad", { headers: { authorization: `Bearer ${accessToken}` } }),
      400,
      "MALFORMED_REQUEST",
    ],
    [
      "input for an operation without input",
      () => call("user.me?input=1", { headers: { authorization: `Bearer ${accessToken}` } }),
      400,
      "INVALID_INPUT",
    ],
    ["a broken percent escape", () => call("%E0%A4%A"), 400, "MALFORMED_REQUEST"],
  ])("answers %s with a typed error", async (_name, request, status, code) => {
    const { response, body, text } = await request();
    expect([response.status, body.error?.data.code]).toEqual([status, code]);
    expect(body.error?.data.httpStatus).toBe(status);
    expect(text).not.toMatch(/"stack"|node_modules|\.ts:\d/);
    expect(response.headers.get("x-request-id")).toMatch(/^[\w-]{22}$/);
  });

  it("refuses a batch with too many calls", async () => {
    const { response, body } = await call(`${Array(21).fill("user.me").join(",")}?batch=1`);
    expect(response.status).toBe(400);
    expect([body].flat()[0]?.error?.data.code).toBe("MALFORMED_REQUEST");
  });

  it("names the invalid input", async () => {
    const { body } = await post("auth.login", '{"username":""}');
    expect(body.error?.data).toMatchObject({
      details: {
        issues: [{ path: ["username"], message: "Enter your username or e-mail address" }, { path: ["password"] }],
      },
    });
  });

  it("answers absurd headers and keeps running", async () => {
    const raw = await rawRequest(`GET /trpc/user.me HTTP/1.1\r\nhost: x\r\nx-absurd: ${"a".repeat(100_000)}\r\n\r\n`);
    expect(raw).toMatch(/^HTTP\/1\.1 431 /);
    const names = Array.from({ length: 150 }, (_, index) => `x-${index}: y\r\n`).join("");
    expect(await rawRequest(`GET /trpc/user.me HTTP/1.1\r\nhost: x\r\n${names}connection: close\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 401 /,
    );
    expect((await post("auth.login", login)).response.status).toBe(200);
  });

  it("answers invalid HTTP and closes the connection", async () => {
    expect(await rawRequest("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe("internal errors", () => {
  it("are hidden from the caller and logged with the request ID", async () => {
    const lines: string[] = [];
    await using broken = await startTestServer({
      logger: { level: "error", stream: { write: (line) => void lines.push(line) } },
    });
    const { accessToken: token } = await broken.domain.signIn.withPassword(typed(john.username, john.password));
    await broken.db.schema.alterTable("users").renameTo("gone").execute();
    const response = await fetch(`${broken.url}/trpc/user.me`, { headers: { authorization: `Bearer ${token}` } });
    const text = await response.text();
    expect(response.status).toBe(500);
    expect(JSON.parse(text)).toMatchObject({
      error: { message: "Something went wrong on our side.", data: { code: "INTERNAL" } },
    });
    expect(text).not.toMatch(/users|SQL|stack/i);
    expect(lines.join()).toContain(response.headers.get("x-request-id"));
    expect(lines.join()).toContain("no such table");
    const overRest = await fetch(`${broken.url}/users/me`, { headers: { authorization: `Bearer ${token}` } });
    expect(overRest.status).toBe(500);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ path: "user.me" }, { route: "GET /users/me" }]);
    expect(lines.join()).not.toContain(token);
  });
});

describe("health", () => {
  it("reports whether the process is up and the database available", async () => {
    expect(await (await fetch(`${server.url}/healthz`)).json()).toEqual({ status: "ok" });
    const ready = await fetch(`${server.url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([200, { status: "ready" }]);
  });

  it("is not ready when the database is not migrated", async () => {
    await using broken = await startTestServer();
    await broken.db.schema.dropTable("kysely_migration").execute();
    const ready = await fetch(`${broken.url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([
      503,
      { status: "not ready", reason: "the database is not migrated" },
    ]);
  });
});

const rawRequest = (text: string) =>
  new Promise<string>((resolve, reject) => {
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1", () => socket.write(text, "latin1"));
    let answer = "";
    socket.setTimeout(inject("patienceMs"), () => socket.destroy(new Error("the connection hung")));
    socket.on("data", (chunk) => {
      answer += chunk.toString("latin1");
    });
    socket.on("error", (error) => (answer === "" ? reject(error) : resolve(answer)));
    socket.on("close", () => resolve(answer));
  });

it("[S118] every call has one limit for all its waits for the database, over every transport", async () => {
  const lefts: number[] = [];
  // The remaining time of a call whenever it is asked for.
  const now = () => {
    const wait = beginWait(1_000_000);
    wait.end();
    lefts.push(wait.leftMs);
    return Date.now();
  };
  await using limited = await startTestServer({ now, world: { databaseLimitMs: 60_000 } });
  const signedIn = await limited.domain.signIn.withPassword(typed(john.username, john.password));
  const headers = { authorization: `Bearer ${signedIn.accessToken}` };
  const body = new URLSearchParams({ grant_type: "refresh_token", refresh_token: signedIn.refreshToken });
  const calls: [string, RequestInit][] = [
    ["/trpc/session.list", { headers }],
    ["/users/me/sessions", { headers }],
    ["/token", { method: "POST", body }],
    ["/authorize?client_id=lockstep-cli", {}],
  ];
  for (const [path, init] of calls) {
    lefts.length = 0;
    await (await fetch(limited.url + path, { redirect: "manual", ...init })).arrayBuffer();
    expect([path, Math.min(...lefts)]).toEqual([path, expect.closeTo(60_000, -4)]);
  }
});

describe("[S118] a stream of an app's own operation", () => {
  it("has the time limit for each wait for the database; other calls have it for the sum", async () => {
    const output = z.number();
    const example = {
      read: query({ summary: "Tell what is left", access: anyone, output }),
      stream: subscription({ summary: "Tell what is left", access: anyone, output }),
    };
    const leftMs = () => {
      const wait = beginWait(1000);
      wait.end();
      return wait.leftMs;
    };
    const router = createRouter(contractOf(example), {
      read: implement(example.read).handle(leftMs),
      stream: implement(example.stream).handle(async function* () {
        yield leftMs();
      }),
    });
    const app = Fastify();
    app.addHook("preHandler", (_request, _reply, done) => withDatabaseLimit(10, done));
    await app.register(cookie);
    await app.register(
      rpcRoutes({
        contract: anyContractOf(example),
        router: router as unknown as AnyTRPCRouter,
        guard: server.domain.guard,
        publicUrl: "http://localhost",
        allowedOrigins: [],
      }),
    );
    expect((await app.inject("/read")).json()).toEqual({ result: { data: 10 } });
    expect((await app.inject("/stream")).body).toContain("data: 1000\n");
    await app.close();
  });
});

describe("the headers of refusals", () => {
  const ofApp = (details: object) => new RefusedError("BUSY", { status: 429, message: "Busy." }, details);

  it("name the longest wait in whole seconds", () => {
    const refusals = [ofApp({ retryAfterSeconds: 1.5 }), new DomainError("UNAVAILABLE", { retryAfterSeconds: 1 })];
    expect(refusalHeaders(refusals, "http://localhost:3000")).toEqual({ "retry-after": "2" });
  });

  it.each([{ retryAfterSeconds: "soon" }, { retryAfterSeconds: Number.NaN }, { retryAfterSeconds: -1 }])(
    "ignore %j of an app's own error",
    (details) => {
      expect(refusalHeaders([ofApp(details)], "http://localhost:3000")).toEqual({});
    },
  );

  it("never carry the `nonce` of an app's own error, which can be any text", () => {
    expect(refusalHeaders([ofApp({ nonce: "a\r\nset-cookie: b=c" })], "http://localhost:3000")).toEqual({});
    const ours = new DomainError("DPOP_NONCE_NEEDED", { nonce: "n" });
    expect(refusalHeaders([ours], "http://localhost:3000")["dpop-nonce"]).toBe("n");
  });
});
