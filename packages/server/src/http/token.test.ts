import * as oauth from "oauth4webapi";
import { describe, expect, it } from "vitest";
import { john, startTestServer, type TestServer, type TestServerOptions } from "../testing.ts";

type Server = TestServer;

const start = (options: TestServerOptions = {}) => startTestServer(options);

const ask = async (
  server: Server,
  form: string | Record<string, string> | Buffer,
  headers: Record<string, string> = {},
  url = "/token",
) => {
  const {
    statusCode,
    headers: answered,
    body,
  } = await server.app.inject({
    method: "POST",
    url,
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
    payload: typeof form === "string" || Buffer.isBuffer(form) ? form : new URLSearchParams(form).toString(),
  });
  return { status: statusCode, headers: answered, body: JSON.parse(body) as Record<string, string> };
};
const johns = { username: john.username, password: john.password };
const basic = (id: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}`,
});

describe("POST /token with a username and a password", () => {
  it("[S12] [S35] answers as the guide does, with Cache-Control: no-store", async () => {
    await using server = await start();
    const { status, headers, body } = await ask(server, johns);
    expect(status).toBe(200);
    expect(body).toEqual({
      access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      token_type: "bearer",
      expires_in: 600,
      refresh_token: expect.any(String),
      scope: "profile:read profile:write photos:read",
    });
    expect([headers["cache-control"], headers["pragma"]]).toEqual(["no-store", "no-cache"]);
    const me = await server.app.inject({
      url: "/users/me",
      headers: { authorization: `bearer ${body["access_token"]}` },
    });
    expect(me.json()).toMatchObject({ username: "john" });
  });

  it("accepts grant_type=password, and treats a form filler's empty fields as absent", async () => {
    await using server = await start();
    expect((await ask(server, { ...johns, grant_type: "password" })).status).toBe(200);
    expect(
      (await ask(server, { ...johns, grant_type: "", scope: "", client_id: "", client_secret: "" }, basic("", "")))
        .status,
    ).toBe(200);
  });

  it("narrows the token and its refreshes to the requested scopes", async () => {
    await using server = await start();
    const first = await ask(server, { ...johns, scope: "profile:read" });
    expect(first.body["scope"]).toBe("profile:read");
    const album = async (token: string | undefined) =>
      (await server.app.inject({ url: "/api/album", headers: { authorization: `Bearer ${token}` } })).statusCode;
    expect(await album(first.body["access_token"])).toBe(403);
    const refreshed = await ask(server, {
      grant_type: "refresh_token",
      refresh_token: first.body["refresh_token"] ?? "",
    });
    expect([refreshed.status, refreshed.body["scope"]]).toEqual([200, "profile:read"]);
    expect(await album(refreshed.body["access_token"])).toBe(403);
  });

  it("[S25] never widens the scope at a refresh", async () => {
    await using server = await start();
    const first = await ask(server, { ...johns, scope: "profile:read" });
    const wider = {
      grant_type: "refresh_token",
      refresh_token: first.body["refresh_token"] ?? "",
      scope: "profile:read profile:write",
    };
    expect((await ask(server, wider)).body["error"]).toBe("invalid_scope");
  });

  it("[S69] refuses an unknown user, a wrong password and a disabled user alike", async () => {
    await using server = await start();
    const unknown = await ask(server, { username: "nobody", password: "secret" });
    expect([unknown.status, unknown.body["error"]]).toEqual([400, "invalid_grant"]);
    expect((await ask(server, { ...johns, password: "wrong" })).body).toEqual(unknown.body);
    const found = await server.domain.users.findByLogin(john.username);
    await server.domain.users.setDisabled(found?.user.id ?? "", true);
    expect((await ask(server, johns)).body).toEqual(unknown.body);
  });

  it("[S67] [S68] counts failures together with auth.login", async () => {
    await using server = await start({ now: () => 1_800_000_000_000 });
    for (let attempt = 0; attempt < 5; attempt++) await ask(server, { ...johns, password: "wrong" });
    const { status, headers, body } = await ask(server, johns);
    expect([status, body["error"], headers["retry-after"]]).toEqual([429, "temporarily_unavailable", "1"]);
    const login = await server.app.inject({
      method: "POST",
      url: "/trpc/auth.login",
      headers: { "content-type": "application/json" },
      payload: JSON.stringify(johns),
    });
    expect(login.json()).toMatchObject({ error: { data: { code: "TOO_MANY_ATTEMPTS" } } });
  });

  const none = {};

  it("[S12] is refused for a client with an ID, however it sends it", async () => {
    await using server = await start();
    for (const [form, headers] of [
      [{ ...johns, client_id: "photo-app" }, none],
      [{ ...johns, client_id: "photo-app", client_secret: "s" }, none],
      [johns, basic("photo-app", "s")],
    ] as const) {
      const { status, body, headers: answered } = await ask(server, form, headers);
      expect([status, body["error"]]).toEqual([401, "invalid_client"]);
      // RFC 6749 §5.2: a challenge for requests with a header.
      if (headers === none) expect(answered["www-authenticate"]).toBeUndefined();
      else expect(answered["www-authenticate"]).toMatch(/^Basic /);
    }
    expect((await ask(server, { ...johns, client_secret: "s" }, basic("photo-app", "s"))).body["error"]).toBe(
      "invalid_request",
    );
  });

  it("[S12] is refused and not documented with PASSWORD_GRANT=off", async () => {
    await using server = await start({ config: { passwordGrant: false } });
    for (const form of [johns, { ...johns, grant_type: "password" }]) {
      const { status, body } = await ask(server, form);
      expect([status, body["error"]]).toEqual([400, "unsupported_grant_type"]);
    }
    const { body } = await server.app.inject({ url: "/openapi.json" });
    expect(body).not.toMatch(/OAuth2PasswordBearer|"password"|username and a password/);
  });
});

describe("POST /token with a refresh token", () => {
  it("rotates as auth.refresh does", async () => {
    await using server = await start();
    const first = await ask(server, johns);
    const second = await ask(server, { grant_type: "refresh_token", refresh_token: first.body["refresh_token"] ?? "" });
    expect(second.body["refresh_token"]).not.toBe(first.body["refresh_token"]);
    for (const token of ["", "x", `${second.body["refresh_token"]}x`]) {
      const { status, body } = await ask(server, { grant_type: "refresh_token", refresh_token: token });
      expect([status, body["error"]]).toEqual([400, token === "" ? "invalid_request" : "invalid_grant"]);
    }
  });

  it("works with a third-party client library", async () => {
    await using server = await start();
    const { body } = await ask(server, johns);
    const issuer = { issuer: server.config.publicUrl, token_endpoint: `${server.url}/token` };
    const response = await oauth.refreshTokenGrantRequest(
      issuer,
      { client_id: "first-party" },
      withoutClient,
      body["refresh_token"] ?? "",
      {
        [oauth.allowInsecureRequests]: true,
      },
    );
    const result = await oauth.processRefreshTokenResponse(issuer, { client_id: "first-party" }, response);
    expect(result).toMatchObject({ token_type: "bearer", expires_in: 600 });
  });
});

/** First-party clients are not OAuth clients, so there is nothing to authenticate with. */
const withoutClient: oauth.ClientAuth = () => {};

describe("[S100] POST /token for a page of another origin", () => {
  it.each<[string, Record<string, string>]>([
    ["another site", { origin: "https://evil.example" }],
    ["a page without an origin", { origin: "null" }],
    ["a browser that sends no Origin", { "sec-fetch-site": "cross-site" }],
    ["another origin of the same site", { origin: "http://localhost:3001", "sec-fetch-site": "same-site" }],
  ])("checks no password and refreshes nothing: %s", async (_name, headers) => {
    await using server = await start();
    const { body } = await ask(server, johns);
    const refresh = { grant_type: "refresh_token", refresh_token: body["refresh_token"] ?? "" };
    for (const form of [johns, { ...johns, password: "wrong" }, refresh]) {
      const refused = await ask(server, form, headers);
      expect([refused.status, refused.body["error"]]).toEqual([400, "unauthorized_client"]);
    }
    expect((await ask(server, refresh)).status).toBe(200);
  });

  it("answers our own pages", async () => {
    await using server = await start();
    const origin = server.config.publicUrl;
    for (const headers of [{ origin }, { origin, "sec-fetch-site": "same-origin" }])
      expect((await ask(server, johns, headers)).status).toBe(200);
  });
});

describe("an invalid token request", () => {
  it.each<[string, string | Record<string, string> | Buffer, Record<string, string>, number, string]>([
    ["nothing", "", {}, 400, "invalid_request"],
    ["no password", { username: "john" }, {}, 400, "invalid_request"],
    ["no username", { password: "secret" }, {}, 400, "invalid_request"],
    ["a repeated parameter", "username=john&username=jane&password=secret", {}, 400, "invalid_request"],
    ["an unknown grant", { ...johns, grant_type: "magic" }, {}, 400, "unsupported_grant_type"],
    ["client credentials", { grant_type: "client_credentials" }, {}, 400, "invalid_request"],
    ["an unknown scope", { ...johns, scope: "profile:read everything" }, {}, 400, "invalid_scope"],
    ["a NUL character", "username=john&password=secret&scope=a%00b", {}, 400, "invalid_request"],
    ["a NUL character in a name", "username=john&password=secret&x%00=y", {}, 400, "invalid_request"],
    ["JSON", JSON.stringify(johns), { "content-type": "application/json" }, 400, "invalid_request"],
    ["a multipart form", "x", { "content-type": "multipart/form-data; boundary=x" }, 400, "invalid_request"],
    ["a username of a megabyte", { username: "x".repeat(1 << 20), password: "x" }, {}, 413, "invalid_request"],
    [
      "a username of nearly a hundred thousand characters",
      { username: "x".repeat(90_000), password: "x" },
      {},
      400,
      "invalid_request",
    ],
    ["invalid UTF-8", Buffer.from([...Buffer.from("password=x&username="), 0xff, 0xfe]), {}, 400, "invalid_request"],
    ["an escape that is no UTF-8", "username=%FF%FE&password=x", {}, 400, "invalid_grant"],
    ["a null byte", "username=jo%00hn&password=x", {}, 400, "invalid_request"],
  ])("is refused: %s", async (_name, form, headers, status, error) => {
    await using server = await start();
    const answer = await ask(server, form, headers);
    expect([answer.status, answer.body["error"]]).toEqual([status, error]);
    expect(answer.headers["cache-control"]).toBe("no-store");
  });

  it("is answered with the content type to send", async () => {
    await using server = await start();
    const answer = await ask(server, JSON.stringify(johns), { "content-type": "application/json" });
    expect(answer.body["error_description"]).toBe("Send a form: application/x-www-form-urlencoded");
  });

  it("must not have parameters in the URL", async () => {
    await using server = await start();
    expect((await ask(server, johns, {}, "/token?username=john")).body["error"]).toBe("invalid_request");
  });

  it("is answered with the allowed methods", async () => {
    await using server = await start();
    for (const method of ["GET", "PUT", "DELETE"] as const) {
      const { statusCode, headers } = await server.app.inject({ method, url: "/token" });
      expect([statusCode, headers["allow"]]).toEqual([405, "POST, OPTIONS"]);
    }
  });

  it("[S17] can come from any origin, which can read the refusal too", async () => {
    await using server = await start();
    const { headers, status } = await ask(server, { username: "x", password: "y" }, { origin: "https://app.example" });
    expect([status, headers["access-control-allow-origin"]]).toEqual([400, "*"]);
  });
});
