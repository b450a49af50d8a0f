// Invalid input at every endpoint of the authorization server: answered in the form of its standard or with a page,
// without internal errors, console output or redirects.

import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { engines } from "../../test/engines.ts";
import {
  basic,
  beginAuthorization,
  connect,
  registerClient,
  type Server,
  shownBy,
  signedInBrowser,
  startOn,
} from "./testing.ts";

const endpoints = [
  "/token",
  "/introspect",
  "/revoke",
  "/par",
  "/device/authorize",
  "/register",
  "/device",
  "/logout/confirm",
  "/userinfo",
];
const pages = ["/authorize", "/authorize/x", "/device", "/device/x", "/logout", "/logout/success"];
const form = "application/x-www-form-urlencoded";

const bodies: [name: string, contentType: string, body: string | Uint8Array<ArrayBuffer>][] = [
  ["nothing", form, ""],
  ["no type", "", "grant_type=refresh_token"],
  ["JSON for a form", "application/json", '{"grant_type":"refresh_token"}'],
  ["broken JSON", "application/json", '{"'],
  ["text", "text/plain", "grant_type=refresh_token"],
  ["XML", "application/xml", "<x/>"],
  ["many parts", "multipart/form-data; boundary=x", "--x--"],
  ["a type that is none", "x", "x"],
  ["another character set", `${form}; charset=utf-16`, "a=b"],
  ["an unknown character set", `${form}; charset=nonsense`, "a=b"],
  [
    "repeated parameters",
    form,
    "grant_type=refresh_token&grant_type=refresh_token&token=x&token=y&client_id=a&client_id=b",
  ],
  ["lists", form, "grant_type[]=refresh_token&scope[]=openid&scope[]=profile&client_id[]=x&redirect_uri[0]=x"],
  ["objects", form, "grant_type[x]=y&__proto__=x&constructor=y&__proto__[x]=y&hasOwnProperty=z&toString=1"],
  ["unknown parameters", form, `${"x=y&".repeat(500)}a=b`],
  ["60 kB in one", form, `token=${"x".repeat(60_000)}&grant_type=refresh_token&refresh_token=${"x".repeat(1000)}`],
  ["120 kB", form, `token=${"x".repeat(120_000)}`],
  ["null bytes", form, "grant_type=refresh_token%00&client_id=%00&token=%00&user_code=%00&refresh_token=a%00b"],
  ["invalid UTF-8", form, new Uint8Array([...Buffer.from("token="), 0xff, 0xfe, 0xc0, 0x80])],
  ["invalid escapes", form, "token=%&client_id=%zz&grant_type=%ff%fe"],
  ["a surrogate", form, "token=%ed%a0%80"],
];

describe.each(engines)("bad input on $engine", ({ newDatabase }) => {
  let server: Awaited<ReturnType<typeof startOn>>;
  let app: Awaited<ReturnType<typeof registerClient>>;
  const printed: unknown[] = [];
  const logged: string[] = [];

  beforeAll(async () => {
    for (const kind of ["info", "warn", "error", "log"] as const) {
      vi.spyOn(console, kind).mockImplementation((...all) => void printed.push(all));
    }
    const stream = { write: (line: string) => void logged.push(line) };
    server = await startOn(newDatabase, { config: { registration: "open" }, logger: { level: "error", stream } });
    app = await registerClient(server);
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    vi.restoreAllMocks();
  });
  afterEach(() => {
    expect(printed.splice(0)).toEqual([]);
    expect(logged.splice(0)).toEqual([]);
  });

  /** Expects the form of the standard, or a page. */
  const expectShaped = async (response: Response, what: unknown) => {
    expect([what, response.status]).toEqual([
      what,
      expect.toSatisfy((status: number) => status >= 200 && status < 500),
    ]);
    expect([what, response.headers.get("location")]).toEqual([what, null]);
    const type = response.headers.get("content-type") ?? "";
    const text = await response.text();
    if (type.startsWith("text/html")) return expect(text).toContain("lockstep-protocol-page");
    if (response.status === 200 && text === "") return;
    const body = JSON.parse(text) as Record<string, unknown>;
    if (response.status >= 400) expect([what, body["error"]]).toEqual([what, expect.stringMatching(/^[a-z_]+$/)]);
    expect(response.headers.get("cache-control")).toContain("no-store");
  };

  it.each(bodies)("of the kind %j is refused with RFC 6749 JSON", async (_name, type, body) => {
    for (const path of endpoints) {
      for (const credentials of [
        {},
        basic(app.id, app.secret),
        { authorization: "Basic x" },
        { authorization: "Bearer x" },
      ]) {
        const response = await fetch(`${server.url}${path}`, {
          method: "POST",
          redirect: "manual",
          headers: { ...(type !== "" && { "content-type": type }), ...credentials } as Record<string, string>,
          body: type === "" ? new Blob([body]) : body,
        });
        await expectShaped(response, [path, credentials]);
      }
    }
  });

  const send = async (path: string, body?: string) => {
    const response = await fetch(`${server.url}${path}`, {
      redirect: "manual",
      ...(body !== undefined && {
        method: "POST",
        headers: { "content-type": form, ...basic(app.id, app.secret) },
        body,
      }),
    });
    const { error, error_description: description } = (await response.json()) as Record<string, string>;
    return { status: response.status, error, description };
  };

  it("with a NUL character in a parameter is refused as invalid_request, naming the parameter", async () => {
    const refused = { status: 400, error: "invalid_request" };
    const asked = `client_id=${app.id}&response_type=code&scope=openid`;
    const description = "state must not contain NUL characters";
    expect(await send(`/authorize?${asked}&state=a%00b`)).toEqual({ ...refused, description });
    expect(await send(`/logout?state=%00`)).toEqual({ ...refused, description });
    for (const path of ["/token", "/introspect", "/revoke", "/par", "/device/authorize"]) {
      const description = "scope must not contain NUL characters";
      const answered = await send(path, "scope=a%00b&grant_type=refresh_token&refresh_token=a&token=%00");
      expect([path, answered]).toEqual([path, { ...refused, description }]);
      const unnamed = { ...refused, description: "A parameter must not contain NUL characters" };
      expect([path, await send(path, "x%00=y")]).toEqual([path, unnamed]);
    }
  });

  it("is refused when it exceeds the size limit of stored requests [S92]", async () => {
    const asked = `client_id=${app.id}&response_type=code&scope=openid&state=`;
    const refused = (status: number) => expect.objectContaining({ status, error: "invalid_request" });
    for (const [path, size] of [
      ["/par", 16_384],
      ["/device/authorize", 4096],
    ] as const) {
      const state = "x".repeat(size - asked.length);
      expect([path, await send(path, `${asked}${state}x`)]).toEqual([path, refused(413)]);
      expect((await send(path, `${asked}${state}`)).status).not.toBe(413);
    }
    const state = "x".repeat(4096 - asked.length);
    for (const path of ["/authorize", "/logout"])
      expect([path, await send(`${path}?${asked}${state}x`)]).toEqual([path, refused(400)]);
    const headers = { accept: "text/html" };
    const fits = await fetch(`${server.url}/authorize?${asked}${state}`, { headers, redirect: "manual" });
    expect(await fits.text()).not.toMatch(/larger/);
    const page = await fetch(`${server.url}/authorize?${asked}${state}x`, { headers });
    expect(await shownBy(page)).toMatchObject({ page: "error", error: "invalid_request" });
  });

  it("in a URL is refused with a page, without a redirect", async () => {
    const queries = [
      "",
      "?",
      `?client_id=${app.id}`,
      `?client_id=${app.id}&client_id=${app.id}`,
      "?client_id[]=x&scope[]=openid&redirect_uri[]=https://evil.example",
      `?client_id=${app.id}&redirect_uri=https://evil.example&redirect_uri=https://photos.example/callback`,
      `?client_id=${app.id}&redirect_uri=https://evil.example&state=x`,
      "?client_id=%00&redirect_uri=%00&response_type=%00",
      "?client_id=%ff&state=%ff",
      "?client_id=%&x=%zz",
      `?client_id=${"x".repeat(8000)}`,
      `?${"x=y&".repeat(1500)}`,
      "?__proto__=x&constructor=y&toString=z",
      "?user_code=%00",
      "?user_code[]=x",
      "?id_token_hint=a.b.c&post_logout_redirect_uri=https://evil.example",
    ];
    for (const path of pages) {
      for (const query of queries) {
        const response = await fetch(`${server.url}${path}${query}`, {
          redirect: "manual",
          headers: { accept: "text/html" },
        });
        expect([path, query, response.status]).toEqual([path, query, expect.toSatisfy((status) => status < 500)]);
        const location = response.headers.get("location");
        if (location !== null) expect(location).toMatch(/^https:\/\/photos\.example\/callback\?error=/);
      }
    }
  });

  it("in a cookie starts a new session", async () => {
    const { url } = await beginAuthorization(app.config);
    const names = ["lockstep-authorization-server", "lockstep-resume", "lockstep-interaction"];
    for (const value of ["x", "%00", "%", "a".repeat(1000), '"']) {
      const cookie = names.flatMap((name) => [`${name}=${value}`, `${name}.sig=${value}`]).join("; ");
      const asked = await fetch(url, { redirect: "manual", headers: { cookie } });
      expect([asked.status, asked.headers.get("location")]).toEqual([303, expect.stringMatching("^/interaction/")]);
      for (const path of ["/authorize/x", "/device/x"]) {
        expect((await fetch(`${server.url}${path}`, { headers: { cookie } })).status).toBe(400);
      }
      expect((await fetch(`${server.url}/logout`, { headers: { cookie } })).status).toBe(200);
    }
  });

  it("with another method is answered with the allowed ones", async () => {
    for (const [path, ...allowed] of [
      ["/authorize", "GET", "POST"],
      ["/token", "POST", "OPTIONS"],
      ["/introspect", "POST", "OPTIONS"],
      ["/revoke", "POST", "OPTIONS"],
      ["/par", "POST", "OPTIONS"],
      ["/logout", "GET", "POST"],
      ["/logout/confirm", "POST"],
      ["/device", "GET", "POST"],
    ] as const) {
      for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"] as const) {
        if ((allowed as readonly string[]).includes(method)) continue;
        const response = await fetch(`${server.url}${path}`, { method });
        expect([path, method, response.status, response.headers.get("allow")]).toEqual([
          path,
          method,
          405,
          allowed.join(", "),
        ]);
        expect(await response.json()).toMatchObject({ error: "invalid_request" });
      }
      const head = await fetch(`${server.url}${path}`, { method: "HEAD" });
      expect([path, head.status]).toEqual([path, expect.toBeOneOf([404, 405])]);
    }
  });

  it("prints nothing to the console", async () => {
    const browser = await signedInBrowser(server);
    await connect(browser, app.config);
    expect(printed).toEqual([]);
  });
});

describe("an internal error", () => {
  it("is logged with the request ID, and not shown to the caller", async () => {
    const logged: { reqId?: string; err?: { message: string } }[] = [];
    const stream = { write: (line: string) => void logged.push(JSON.parse(line)) };
    await using server = await startOn(engines[0].newDatabase, { logger: { level: "error", stream } });
    const app = await registerClient(server as Server);
    await server.db.schema.alterTable("oauth_records").renameTo("gone").execute();
    const { url } = await beginAuthorization(app.config);
    const asked = await fetch(url, { redirect: "manual", headers: { accept: "text/html" } });
    const token = await fetch(`${server.url}/token`, {
      method: "POST",
      body: new URLSearchParams({ grant_type: "refresh_token", refresh_token: "x" }),
      headers: basic(app.id, app.secret),
    });
    expect([asked.status, token.status]).toEqual([500, 500]);
    expect(await token.json()).toMatchObject({ error: "server_error" });
    expect(await asked.text()).not.toMatch(/oauth_records|sqlite|select/i);
    for (const response of [asked, token]) {
      const id = response.headers.get("x-request-id");
      expect(logged.find(({ reqId }) => reqId === id)?.err?.message).toContain("oauth_records");
    }
    await server.db.schema.alterTable("gone").renameTo("oauth_records").execute();
  });
});
