// Which answers of RPC pages of other origins may read, and which requests of theirs may use the session cookie.

import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callsTo } from "../../test/calls.ts";
import { john, signInAs, startTestServer, type TestServer } from "../testing.ts";

const publicUrl = "https://api.example.com";
const app = "https://app.example.com";
const phone = "capacitor://localhost";
const partner = "https://partner.example";
const allowedOrigins = [app, phone, partner, "http://localhost:8081"];

const credentials = { username: john.username, password: john.password };
const byCookie = { ...credentials, transport: "cookie" } as const;

let server: TestServer;
let calls: ReturnType<typeof callsTo>;

beforeAll(async () => {
  server = await startTestServer({ config: { publicUrl, allowedOrigins } });
  calls = callsTo(server.app);
});
afterAll(() => server.close());

/** What a page of `origin` sends. Browsers that do not know `Sec-Fetch-Site` leave it out. */
const from = (origin: string, site?: "same-site" | "cross-site" | "same-origin") => ({
  origin,
  ...(site && { "sec-fetch-site": site }),
});

const corsOf = (headers: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith("access-control-")));

const variesBy = ({ vary }: Record<string, unknown>) => String(vary).toLowerCase().split(/, */);

const preflight = async (headers: Record<string, string>, path = "auth.login") => {
  const response = await server.app.inject({
    method: "OPTIONS",
    url: `/trpc/${path}`,
    headers: { "access-control-request-method": "POST", ...headers },
  });
  return { status: response.statusCode, headers: response.headers };
};

const hostile: [string, string][] = [
  ["a sibling that is not listed", "https://evil.example.com"],
  ["a name that begins like a listed one", "https://app.example.com.evil.com"],
  ["a name that ends like a listed one", "https://evil-app.example.com"],
  ["a subdomain of a listed one", "https://a.app.example.com"],
  ["the parent of a listed one", "https://example.com"],
  ["a listed one in upper case", "https://APP.example.com"],
  ["another port", "https://app.example.com:8443"],
  ["the default port", "https://app.example.com:443"],
  ["another scheme", "http://app.example.com"],
  ["a listed host with a web scheme", "https://localhost"],
  ["a user name", "https://app.example.com@evil.com"],
  ["a trailing slash", "https://app.example.com/"],
  ["a trailing dot", "https://app.example.com."],
  ["two origins", "https://app.example.com, https://evil.com"],
  ["all listed ones", allowedOrigins.join()],
  ["a wildcard", "*"],
  ["a sandboxed page", "null"],
  ["nothing", ""],
];

describe("[S17] RPC for pages of a listed origin", () => {
  it("can be called with any header, and the preflight is cached", async () => {
    const { status, headers } = await preflight({
      ...from(app, "same-site"),
      "access-control-request-headers": "authorization,content-type,traceparent,x-requested-with",
    });
    expect(status).toBe(204);
    expect(corsOf(headers)).toEqual({
      "access-control-allow-origin": app,
      "access-control-allow-credentials": "true",
      "access-control-allow-headers": "authorization,content-type,traceparent,x-requested-with",
      "access-control-allow-methods": "GET, POST",
      "access-control-expose-headers": "www-authenticate, dpop-nonce, retry-after, x-request-id",
      "access-control-max-age": "7200",
    });
    expect(variesBy(headers)).toContain("origin");
  });

  it.each([phone, partner])("of another site, %s, is answered without credentials", async (origin) => {
    const { status, headers } = await preflight(from(origin, "cross-site"));
    expect([status, headers["access-control-allow-origin"]]).toEqual([204, origin]);
    expect(headers).not.toHaveProperty("access-control-allow-credentials");
    const signedIn = await calls.mutate("auth.login", credentials, { headers: from(origin, "cross-site") });
    expect([signedIn.status, signedIn.cookies]).toEqual([200, {}]);
    expect(corsOf(signedIn.headers)).toEqual({
      "access-control-allow-origin": origin,
      "access-control-expose-headers": "www-authenticate, dpop-nonce, retry-after, x-request-id",
    });
  });

  it("can read every kind of answer, none of which a cache gives to another origin", async () => {
    const { accessToken: token } = await signInAs(server);
    const bearer = { authorization: `Bearer ${token}` };
    const json = { "content-type": "application/json" };
    const asked: [number, string, string, Record<string, string>, string?][] = [
      [200, "GET", "user.me", bearer],
      [200, "GET", "user.me,user.me?batch=1", bearer],
      [401, "GET", "user.me", {}],
      [401, "GET", "user.me", { authorization: "Bearer x" }],
      [403, "POST", "auth.refresh", { ...json, "sec-fetch-site": "cross-site" }, "{}"],
      [404, "GET", "no.such", {}],
      [404, "GET", "no/such", {}],
      [405, "GET", "auth.login", {}],
      [413, "POST", "auth.login", json, `"${"x".repeat(200_000)}"`],
      [415, "POST", "auth.login", { "content-type": "text/plain" }, "x"],
      [400, "POST", "auth.login", json, "{"],
    ];
    for (const [status, method, path, headers, payload] of asked) {
      const answer = await server.app.inject({
        method: method as "GET" | "POST",
        url: `/trpc/${path}`,
        headers: { origin: app, ...headers },
        ...(payload !== undefined && { payload }),
      });
      expect([path, answer.statusCode, answer.headers["access-control-allow-origin"]]).toEqual([path, status, app]);
      expect(answer.headers["access-control-expose-headers"]).toContain("www-authenticate");
      expect(variesBy(answer.headers)).toContain("origin");
    }
  });

  it("can read that the path is malformed or too long, which reaches no route", async () => {
    for (const path of ["%zz", "user.me,".repeat(300)]) {
      const inject = (origin: string) => server.app.inject({ url: `/trpc/${path}`, headers: { origin } });
      const { statusCode, headers } = await inject(app);
      expect([statusCode, headers["access-control-allow-origin"]]).toEqual([400, app]);
      expect(corsOf((await inject("https://evil.example.com")).headers)).toEqual({});
    }
  });

  it("can read a stream", async () => {
    const { accessToken } = await signInAs(server);
    const abort = new AbortController();
    for (const headers of [{ authorization: `Bearer ${accessToken}` }, {}]) {
      const answer = await fetch(`${server.url}/trpc/session.events`, {
        headers: { ...headers, origin: app, "sec-fetch-site": "same-site" },
        signal: abort.signal,
      });
      expect(answer.headers.get("content-type")).toBe("text/event-stream");
      expect(answer.headers.get("access-control-allow-origin")).toBe(app);
      expect(answer.headers.get("vary")).toContain("origin");
      expect(answer.headers.get("cache-control")).toBe("no-store, no-transform");
    }
    abort.abort();
  });

  it("can read how long to wait after too many attempts", async () => {
    await using guessed = await startTestServer({ config: { publicUrl, allowedOrigins } });
    const login = () =>
      callsTo(guessed.app).mutate("auth.login", { username: "john", password: "wrong" }, { headers: from(app) });
    let answer = await login();
    while (answer.status === 401) answer = await login();
    expect([answer.status, answer.headers["access-control-allow-origin"]]).toEqual([429, app]);
    expect(answer.headers).toHaveProperty("retry-after");
  });

  it("can read that the server is overloaded", async () => {
    // One password is hashed and 16 wait, until the answer is here.
    let stopped = false;
    const keepers = Array.from({ length: 17 }, async () => {
      while (!stopped) await server.domain.passwords.hash("x");
    });
    const { status, headers } = await calls.mutate("auth.login", credentials, { headers: from(app) });
    stopped = true;
    await Promise.all(keepers);
    expect([status, headers["retry-after"], headers["access-control-allow-origin"]]).toEqual([503, "4", app]);
  });

  it("can read that its request took too long", async () => {
    await using slow = await startTestServer({
      config: { publicUrl, allowedOrigins },
      world: { requestTimeoutMs: 300 },
    });
    const answerTo = async (origin: string) => {
      const socket = connect(Number(new URL(slow.url).port), "127.0.0.1");
      await once(socket, "connect");
      const head = ["POST /trpc/auth.login HTTP/1.1", "host: localhost", `origin: ${origin}`, "content-length: 99"];
      socket.write(`${[...head, "content-type: application/json"].join("\r\n")}\r\n\r\n{`);
      return text(socket);
    };
    const [listed, other] = await Promise.all([answerTo(app), answerTo("https://evil.example.com")]);
    expect(listed).toMatch(/^HTTP\/1.1 408 /);
    expect(listed).toContain(`\r\naccess-control-allow-origin: ${app}\r\n`);
    expect(other).toMatch(/^HTTP\/1.1 408 /);
    expect(other).not.toContain("access-control-");
  });
});

describe("[S17] [S82] RPC for pages of an origin that is not listed", () => {
  it.each(hostile)("such as %s is not readable, and takes no cookie", async (_name, origin) => {
    for (const site of ["same-site", "cross-site", undefined] as const) {
      expect(corsOf((await preflight(from(origin, site))).headers)).toEqual({});
      const login = await calls.mutate("auth.login", byCookie, { headers: from(origin, site) });
      expect([login.code, login.cookies, corsOf(login.headers)]).toEqual(["FOREIGN_ORIGIN", {}, {}]);
      const refused = await calls.query("user.me", { headers: from(origin, site) });
      expect([refused.status, corsOf(refused.headers)]).toEqual([401, {}]);
    }
  });

  it("is as closed to everybody when no origin is listed", async () => {
    await using closed = await startTestServer({ config: { publicUrl } });
    const login = await callsTo(closed.app).mutate("auth.login", byCookie, { headers: from(app, "same-site") });
    expect([login.code, corsOf(login.headers), login.headers.vary]).toEqual([
      "FOREIGN_ORIGIN",
      {},
      "trpc-accept, accept",
    ]);
  });
});

describe("[S82] the session cookie for pages of a listed origin", () => {
  const signIn = async () => {
    const { cookies } = await calls.mutate("auth.login", byCookie, { headers: from(app, "same-site") });
    return { "__Host-lockstep-session": cookies["__Host-lockstep-session"]?.value ?? "" };
  };

  it("of the same site, is set, refreshed and cleared", async () => {
    const headers = from(app, "same-site");
    const cookies = await signIn();
    const refreshed = await calls.mutate("auth.refresh", {}, { cookies, headers });
    expect([refreshed.status, Object.keys(refreshed.cookies)]).toEqual([200, ["__Host-lockstep-session"]]);
    const out = await calls.mutate("auth.logout", undefined, { token: refreshed.data.accessToken, headers });
    expect(out.cookies["__Host-lockstep-session"]?.value).toBe("");
  });

  it.each<[string, Record<string, string>]>([
    ["of another site, as a browser says that sees two sites", from(app, "cross-site")],
    ["of an app's web view", from(phone, "cross-site")],
    ["in a browser that does not say of which site it is", from(app)],
    ["for a navigation, which is no call", { ...from(app), "sec-fetch-site": "none" }],
  ])("%s, is neither read nor set", async (_name, headers) => {
    const cookies = await signIn();
    const before = await server.db.selectFrom("sessions").selectAll().execute();
    const refresh = await calls.mutate("auth.refresh", {}, { cookies, headers });
    expect([refresh.status, refresh.code, refresh.cookies]).toEqual([403, "FOREIGN_ORIGIN", {}]);
    const login = await calls.mutate("auth.login", byCookie, { cookies, headers });
    expect([login.status, login.code, login.cookies]).toEqual([403, "FOREIGN_ORIGIN", {}]);
    expect(await server.db.selectFrom("sessions").selectAll().execute()).toEqual(before);
  });

  it("does not make REST or the password form of /token accept them", async () => {
    const headers = from(app, "same-site");
    const { accessToken: token } = await signInAs(server);
    const rest = await server.app.inject({
      method: "DELETE",
      url: "/users/me/sessions/current",
      headers: { ...headers, authorization: `Bearer ${token}` },
    });
    expect([rest.statusCode, rest.cookies, rest.headers["access-control-allow-origin"]]).toEqual([200, [], "*"]);
    const form = await server.app.inject({
      method: "POST",
      url: "/token",
      headers: { ...headers, "content-type": "application/x-www-form-urlencoded" },
      payload: new URLSearchParams(credentials).toString(),
    });
    expect([form.statusCode, form.json().error]).toEqual([400, "unauthorized_client"]);
  });

  it("is for the server's own pages also when their origin is listed", async () => {
    await using own = await startTestServer({ config: { publicUrl, allowedOrigins: [publicUrl] } });
    for (const headers of [from(publicUrl, "same-origin"), from(publicUrl)])
      expect((await callsTo(own.app).mutate("auth.login", byCookie, { headers })).status).toBe(200);
  });

  it("over plain http, follows the list where browsers do not say of which site a page is", async () => {
    const lan = "http://192.0.2.7:5173";
    await using dev = await startTestServer({ config: { publicUrl: "http://192.0.2.7:3000", allowedOrigins: [lan] } });
    const login = (headers: Record<string, string>) => callsTo(dev.app).mutate("auth.login", byCookie, { headers });
    expect((await login(from(lan))).status).toBe(200);
    expect((await login(from("http://192.0.2.7:5174"))).code).toBe("FOREIGN_ORIGIN");
    expect((await login(from(lan, "cross-site"))).code).toBe("FOREIGN_ORIGIN");
  });
});

describe("[S82] a development server behind a proxy that changes `Host`", () => {
  const host = "localhost:3000";

  it.each<[string, number, Record<string, string>]>([
    ["accepts a page that the browser sees at the same origin", 200, from("http://localhost:5173", "same-origin")],
    ["refuses a page of another port", 403, from("http://localhost:5173", "same-site")],
    ["refuses a page of another port in an old browser", 403, from("http://localhost:5173")],
    ["refuses a page of another name", 403, from("http://dev.example:5173", "same-origin")],
  ])("%s", async (_name, status, headers) => {
    await using dev = await startTestServer();
    const login = await callsTo(dev.app).mutate("auth.login", byCookie, { headers: { ...headers, host } });
    expect(login.status).toBe(status);
  });
});
