import * as client from "openid-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { webDirectory } from "../../test/web-directory.ts";
import {
  addPerson,
  type Browser,
  beginAuthorization,
  callback,
  connect,
  discover,
  inputsOf,
  openBrowser,
  photoApp,
  refusalOf,
  registerClient,
  type Server,
  shownBy,
  signedInBrowser,
  startAuthorizationServer,
} from "./testing.ts";

let server: Server;
let app: Awaited<ReturnType<typeof registerClient>>;
let browser: Browser;

beforeAll(async () => {
  server = await startAuthorizationServer({ webDirectory, config: { registration: "open" } });
  app = await registerClient(server);
  browser = await signedInBrowser(server);
});
afterAll(() => server.close());

/** Where an invalid request leads: a URL beyond ours, or a page of ours. */
const outcome = async (change: Record<string, string | null>, config = app.config) => {
  const { url } = await beginAuthorization(config);
  for (const [name, value] of Object.entries(change)) {
    if (value === null) url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  const { url: reached, response } = await browser.follow(url);
  const page = await shownBy(response);
  const answer = new URLSearchParams(reached.search || reached.hash.slice(1));
  return {
    reached: reached.origin + reached.pathname,
    asked: reached.pathname.startsWith("/interaction/"),
    status: response?.status ?? null,
    error: page?.page === "error" ? page.error : answer.get("error"),
    iss: answer.get("iss"),
    code: answer.get("code"),
    accessToken: answer.get("access_token"),
  };
};
const isRefusedHere = { reached: expect.stringMatching("/authorize$"), status: 400, code: null };
const isRefusedThere = { reached: callback, code: null, accessToken: null };

describe("the redirect URI", () => {
  const nearly = [
    "https://photos.example/callback/",
    "https://photos.example/callback?x=1",
    "https://photos.example/callback#x",
    "https://photos.example/Callback",
    "https://PHOTOS.example/callback",
    "https://photos.example:443/callback",
    "https://photos.example:8443/callback",
    "https://photos.example/a/../callback",
    "https://photos.example/%63allback",
    "https://photos.example/callback%00",
    "https://photos.example\\callback",
    "https://photos.example@evil.example/callback",
    "https://evil.example/callback",
    "https://photos.example.evil.example/callback",
    "http://photos.example/callback",
    "//photos.example/callback",
    "/callback",
    " https://photos.example/callback",
    "javascript:alert(1)",
    "data:text/html,x",
  ];
  it.each(nearly)(
    "[S1] [S3] cannot be %j, which differs from the registered one; the browser is not redirected",
    async (uri) => {
      expect(await outcome({ redirect_uri: uri })).toMatchObject({ ...isRefusedHere, error: "invalid_redirect_uri" });
      // Also when something else is wrong, which would be reported there.
      expect(await outcome({ redirect_uri: uri, response_type: "token" })).toMatchObject(isRefusedHere);
    },
  );

  it("[S1] may have another port only on the loopback interface, for native clients", async () => {
    const native = await registerClient(server, { kind: "native", redirectUris: ["http://127.0.0.1/callback"] });
    const asked = async (uri: string, config = native.config) => (await outcome({ redirect_uri: uri }, config)).asked;
    expect(await asked("http://127.0.0.1:51234/callback")).toBe(true);
    expect(await asked("http://127.0.0.1:51234/other")).toBe(false);
    expect(await asked("http://localhost:51234/callback")).toBe(false);
    expect(await asked("http://127.0.0.2:51234/callback")).toBe(false);
    expect(await asked("https://127.0.0.1:51234/callback")).toBe(false);

    const onBrowser = await registerClient(server, {
      kind: "browser",
      redirectUris: ["http://127.0.0.1:3000/cb"],
    });
    expect(await asked("http://127.0.0.1:3000/cb", onBrowser.config)).toBe(true);
    expect(await asked("http://127.0.0.1:3001/cb", onBrowser.config)).toBe(false);
  });

  it("[S3] is not used for an unknown client", async () => {
    for (const client_id of ["unknown", "", null, "\0", "a\0b", "x".repeat(3000)]) {
      expect(await outcome({ client_id })).toMatchObject(isRefusedHere);
    }
  });

  it("[S3] defaults to the registered one, and is required when there are two (OAuth 2.1 §4.1.1)", async () => {
    expect((await outcome({ redirect_uri: null })).asked).toBe(true);
    const two = await registerClient(server, { redirectUris: [callback, `${callback}/2`] });
    expect(await outcome({ redirect_uri: null }, two.config)).toMatchObject({
      ...isRefusedHere,
      error: "invalid_request",
    });
  });

  it("is not used once the client was deleted", async () => {
    const gone = await registerClient(server);
    expect((await outcome({}, gone.config)).asked).toBe(true);
    await server.domain.clients.delete(gone.id, "operator", { address: null, userAgent: null, requestId: null });
    expect(await outcome({}, gone.config)).toMatchObject({ ...isRefusedHere, error: "invalid_client" });
  });
});

describe("an authorization request", () => {
  it.each(["web", "browser", "native"] as const)("[S4] needs PKCE with S256 of a %s client", async (kind) => {
    const { config } = await registerClient(server, { kind });
    const isInvalid = { ...isRefusedThere, error: "invalid_request" };
    expect(await outcome({ code_challenge: null, code_challenge_method: null }, config)).toMatchObject(isInvalid);
    expect(await outcome({ code_challenge_method: "plain" }, config)).toMatchObject(isInvalid);
    // Without a method, the challenge is `plain` (RFC 7636 §4.3).
    expect(await outcome({ code_challenge_method: null }, config)).toMatchObject(isInvalid);
    expect(await outcome({ code_challenge: "short" }, config)).toMatchObject(isInvalid);
  });

  it.each(["token", "id_token", "code token", "code id_token", "code id_token token", "none", "x"])(
    "[S11] gets no answer of type %j",
    async (response_type) => {
      expect(await outcome({ response_type })).toMatchObject({ ...isRefusedThere, error: "unsupported_response_type" });
    },
  );

  it("[S13] is answered with iss, in success and error", async () => {
    const iss = server.config.publicUrl;
    expect(await outcome({ scope: "openid profile:write" })).toMatchObject({ error: "invalid_scope", iss });
    expect(await outcome({ response_type: "token" })).toMatchObject({ error: "unsupported_response_type", iss });
    expect(await outcome({ prompt: "none" })).toMatchObject({ error: "login_required", iss });

    const { url, checks } = await beginAuthorization(app.config);
    const asked = await browser.follow(url);
    const denied = await browser.rpc("authorization.deny", { authorizationId: browser.authorizationId(asked.url) });
    const back = await browser.follow(String(denied.data?.["redirectTo"]));
    expect(await refusalOf(client.authorizationCodeGrant(app.config, back.url, checks))).toBe("access_denied");
    expect(back.url.searchParams.get("iss")).toBe(iss);

    // The certified client refuses a response with another issuer (RFC 9207 §2.4).
    const again = await beginAuthorization(app.config);
    const allowed = await browser.allow(again.url);
    expect(allowed.searchParams.get("iss")).toBe(iss);
    allowed.searchParams.set("iss", "https://evil.example");
    await expect(client.authorizationCodeGrant(app.config, allowed, again.checks)).rejects.toHaveProperty(
      "cause.message",
      expect.stringContaining("iss"),
    );
  });

  it("[S14] gets what the client registered for, and nothing else", async () => {
    expect(await outcome({ scope: "openid profile:write" })).toMatchObject({
      ...isRefusedThere,
      error: "invalid_scope",
    });
    expect(await outcome({ response_mode: "web_message" })).toMatchObject({ error: "unsupported_response_mode" });
    expect(await outcome({ response_mode: "jwt" })).toMatchObject({ error: "unsupported_response_mode" });
    const service = await registerClient(server, {
      kind: "service",
      redirectUris: [],
      postLogoutRedirectUris: [],
    });
    expect(await outcome({}, service.config)).toMatchObject(isRefusedHere);
  });

  it("ignores unknown scopes", async () => {
    const { url, checks } = await beginAuthorization(app.config, { scope: "openid profile:read admin *" });
    const tokens = await client.authorizationCodeGrant(app.config, await browser.allow(url), checks);
    expect(tokens.scope).toBe("openid profile:read");
  });

  it.each([
    { request: "x.y.z" },
    { request_uri: "https://evil.example/request" },
    { registration: "{}" },
    { prompt: "none login" },
    { prompt: "create" },
    { max_age: "-1" },
    { max_age: "x" },
    { resource: "https://other.example" },
    { id_token_hint: "x" },
    { scope: 'open"id' },
  ])("with %j is refused without an internal error", async (change) => {
    const { status, error } = await outcome(change as Record<string, string>);
    expect(status ?? 303).toBeLessThan(500);
    expect(error).toMatch(/^(invalid|request|registration)_/);
  });

  it("[S16] redirects with 303 for every request", async () => {
    const { url } = await beginAuthorization(app.config, { prompt: "consent" });
    const first = await browser.go(url);
    expect(first.status).toBe(303);
    const id = browser.authorizationId(new URL(first.headers.get("location") ?? "", server.url));
    const { data } = await browser.rpc("authorization.approve", { authorizationId: id });
    expect((await browser.go(String(data?.["redirectTo"]))).status).toBe(303);
  });
});

describe("[S18] a page of the protocol", () => {
  it.each(["/authorize", "/device", "/logout/success", "/interaction/x"])(
    "at %s cannot be framed or cached",
    async (path) => {
      const response = await browser.go(path);
      expect(response.headers.get("content-security-policy")).toMatch(/frame-ancestors 'none'/);
      expect(response.headers.get("content-security-policy")).toMatch(/script-src 'self'(;|$)/);
      expect(response.headers.get("x-frame-options")).toBe("DENY");
      expect(response.headers.get("referrer-policy")).toBe("no-referrer");
      if (path !== "/interaction/x") expect(response.headers.get("cache-control")).toBe("no-store");
    },
  );

  it("shows errors as text, never as markup", async () => {
    const { url } = await beginAuthorization(app.config, { redirect_uri: "https://evil.example" });
    url.searchParams.set("response_mode", '"><script>alert(1)</script>');
    url.searchParams.set("client_id", '"><script>alert(1)</script>');
    const { response } = await browser.follow(url);
    expect(await response?.text()).not.toContain("<script>alert");
  });
});

describe("a request with prompt=none", () => {
  const silently = async (config: client.Configuration, as = browser) => {
    const { url } = await beginAuthorization(config, { prompt: "none" });
    const back = await as.follow(url);
    return back.url.searchParams.get("error") ?? (back.url.searchParams.has("code") ? "code" : back.url.href);
  };

  it("succeeds with an earlier grant to a verified client", async () => {
    const { config } = await registerClient(server);
    expect(await silently(config, openBrowser(server))).toBe("login_required");
    expect(await silently(config)).toBe("consent_required");
    await connect(browser, config);
    expect(await silently(config)).toBe("code");
  });

  it("[S30] is refused for an unverified client, whatever was granted before", async () => {
    const someone = await server.domain.users.findByLogin("john");
    const { client: app, secret } = await server.domain.clients.register(
      { ...photoApp, scopes: ["profile:read"] },
      { userId: someone?.user.id ?? "" },
      { address: null, userAgent: null, requestId: null },
    );
    const config = await discover(server, app.id, secret);
    await connect(browser, config);
    expect(await silently(config)).toBe("consent_required");
    // Without `prompt` as well: the person is asked each time.
    const { url } = await beginAuthorization(config);
    const asked = await browser.follow(url);
    const read = { authorizationId: browser.authorizationId(asked.url) };
    expect((await browser.rpc("authorization.read", read, "query")).data).toMatchObject({ consent: true });
  });

  it("is refused for a native client, which another app may impersonate (RFC 8252 §8.6)", async () => {
    const { config } = await registerClient(server, { kind: "native" });
    await connect(browser, config);
    expect(await silently(config)).toBe("interaction_required");
  });

  it("is refused when our own session has ended", async () => {
    const { config } = await registerClient(server);
    const other = await signedInBrowser(server);
    await connect(other, config);
    expect(await silently(config, other)).toBe("code");
    await other.rpc("auth.logout", undefined);
    expect(await silently(config, other)).toBe("login_required");
  });

  it.each([{ ended_at: 1 }, { expires_at: 1 }, { idle_expires_at: 1 }])(
    "is refused when another server left our own session with %j",
    async (left) => {
      const { config } = await registerClient(server);
      const other = await signedInBrowser(server);
      await connect(other, config);
      const { data } = await other.rpc("session.list", undefined, "query");
      const own = (data as unknown as { id: string; current: boolean }[]).find(({ current }) => current);
      await server.db
        .updateTable("sessions")
        .set(left)
        .where("id", "=", own?.id ?? "")
        .execute();
      expect(await silently(config, other)).toBe("login_required");
    },
  );
});

describe("a request that requires a new sign-in", () => {
  const answerOf = async (browser: Browser, url: URL) => {
    const asked = await browser.follow(url);
    const id = { authorizationId: browser.authorizationId(asked.url) };
    const read = await browser.rpc("authorization.read", id, "query");
    return { id, signInAgain: read.data?.["signInAgain"], approve: () => browser.rpc("authorization.approve", id) };
  };

  it.each([{ prompt: "login" }, { max_age: "0" }])(
    "with %j is not granted before the person signs in",
    async (parameters) => {
      // An older session: a sign-in of a moment ago would satisfy the request.
      const before = await registerClient(server);
      const person = await signedInBrowser(server);
      await connect(person, before.config);
      await server.db
        .updateTable("sessions")
        .set({ authenticated_at: Date.now() - 60_000, factors: null })
        .execute();

      const { url, checks } = await beginAuthorization(before.config, parameters as Record<string, string>);
      const answer = await answerOf(person, url);
      expect(answer.signInAgain).toBe(true);
      expect(await answer.approve()).toMatchObject({ status: 401, code: "REAUTHENTICATION_REQUIRED" });

      const signedInFrom = Math.floor(Date.now() / 1000);
      await person.signIn();
      const { data } = await answer.approve();
      const back = await person.follow(String(data?.["redirectTo"]));
      const tokens = await client.authorizationCodeGrant(before.config, back.url, checks);
      expect(tokens.claims()?.auth_time).toBeGreaterThanOrEqual(signedInFrom);
    },
  );

  it("[S42] with a `max_age` is granted to a session of that age, and not to an older one", async () => {
    const { config } = await registerClient(server);
    const person = await signedInBrowser(server);
    const young = await beginAuthorization(config, { max_age: "3600" });
    const tokens = await client.authorizationCodeGrant(config, await person.allow(young.url), {
      ...young.checks,
      maxAge: 3600,
    });
    expect(tokens.claims()?.auth_time).toEqual(expect.any(Number));

    await server.db
      .updateTable("sessions")
      .set({ authenticated_at: Date.now() - 7200_000, factors: null })
      .execute();
    const again = await signedInBrowser(server);
    await server.db
      .updateTable("sessions")
      .set({ authenticated_at: Date.now() - 7200_000, factors: null })
      .execute();
    const old = await answerOf(again, (await beginAuthorization(config, { max_age: "3600" })).url);
    expect(old.signInAgain).toBe(true);
    expect(await old.approve()).toMatchObject({ code: "REAUTHENTICATION_REQUIRED" });
  });

  it("with another person's id_token_hint cannot be answered", async () => {
    const { config } = await registerClient(server);
    const johns = await connect(browser, config);
    await addPerson(server, "mary");
    const marys = await signedInBrowser(server, "mary");
    const hinted = { id_token_hint: johns.id_token ?? "" };
    const silent = await marys.follow((await beginAuthorization(config, { ...hinted, prompt: "none" })).url);
    expect(silent.url.searchParams.get("error")).toBe("login_required");
    const { url, checks } = await beginAuthorization(config, hinted);
    const answer = await answerOf(marys, url);
    expect(answer.signInAgain).toBe(true);
    expect(await answer.approve()).toMatchObject({ code: "REAUTHENTICATION_REQUIRED" });
    await marys.signIn("john");
    const { data } = await answer.approve();
    const back = await marys.follow(String(data?.["redirectTo"]));
    const tokens = await client.authorizationCodeGrant(config, back.url, checks);
    expect(tokens.claims()?.sub).toBe(johns.claims()?.sub);
  });
});

it("answers with a form whose policy allows its destination (OAuth 2.0 Form Post Response Mode)", async () => {
  const { config } = await registerClient(server);
  const { url, checks } = await beginAuthorization(config, { response_mode: "form_post" });
  const asked = await browser.follow(url);
  const { data } = await browser.rpc("authorization.approve", { authorizationId: browser.authorizationId(asked.url) });
  const { response } = await browser.follow(String(data?.["redirectTo"]));
  const policy = response?.headers.get("content-security-policy") ?? "";
  const html = (await response?.text()) ?? "";
  expect(html).toContain(`action="${callback}"`);
  expect(policy).toContain("form-action 'self' https://photos.example");
  expect(policy).toContain("frame-ancestors 'none'");
  const inputs = inputsOf(html);
  const sent = new Request(callback, {
    method: "POST",
    body: inputs,
    headers: { "content-type": "application/x-www-form-urlencoded" },
  });
  expect((await client.authorizationCodeGrant(config, sent, checks)).access_token).toEqual(expect.any(String));
});
