import { NativeRedirectUri, RegisterClientInput, WebRedirectUri } from "@lockstep/kit";
import fc from "fast-check";
import * as client from "openid-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { engines } from "../../test/engines.ts";
import { testSource } from "../testing.ts";
import {
  beginAuthorization,
  callback,
  connect,
  openBrowser,
  photoApp,
  refusalOf,
  type Server,
  signedInBrowser,
  startAuthorizationServer,
  startOn,
} from "./testing.ts";

let server: Server;
beforeAll(async () => {
  server = await startAuthorizationServer({ config: { registration: "open" } });
});
afterAll(() => server.close());

const register = async (metadata: unknown, on = server, headers: Record<string, string> = {}) => {
  const response = await fetch(`${on.url}/register`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(metadata),
  });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  };
};
const redirect_uris = [callback];

describe("a client that registers itself", () => {
  it("gets an ID and a secret, which is shown once", async () => {
    const config = await client.dynamicClientRegistration(
      new URL(server.url),
      { redirect_uris, client_name: "Somebody" },
      undefined,
      { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks] },
    );
    const browser = await signedInBrowser(server);
    expect((await connect(browser, config)).scope).toBe("openid profile profile:read");
    const { client_id, client_secret } = config.clientMetadata();
    const row = await server.db
      .selectFrom("applications")
      .selectAll()
      .where("id", "=", client_id)
      .executeTakeFirstOrThrow();
    expect(row).toMatchObject({ verified: 0, owner_id: null, name: "Somebody" });
    expect(JSON.stringify(row)).not.toContain(client_secret);
  });

  it("[S31] [S30] is unverified, and asks for consent each time", async () => {
    const { body } = await register({ redirect_uris, token_endpoint_auth_method: "none", client_name: "Photos" });
    const config = await client.discovery(new URL(server.url), String(body["client_id"]), undefined, client.None(), {
      execute: [client.allowInsecureRequests],
    });
    const browser = await signedInBrowser(server);
    await connect(browser, config);
    const asked = await browser.follow((await beginAuthorization(config)).url);
    const read = { authorizationId: browser.authorizationId(asked.url) };
    expect((await browser.rpc("authorization.read", read, "query")).data).toMatchObject({
      client: { name: "Photos", verified: false },
      consent: true,
    });
  });

  it("[S19] can set neither its ID, its secret nor its verification", async () => {
    const john = (await server.domain.users.findByLogin("john"))?.user.id ?? "";
    const { body } = await register({ redirect_uris, client_id: john, client_secret: "mine", client_id_issued_at: 1 });
    expect(body["client_id"]).toMatch(/^[\w-]{22}$/);
    expect(body["client_id"]).not.toBe(john);
    expect(body["client_secret"]).toMatch(/^[\w-]{43}$/);
    for (const lockstep_verified of [true, false, null, "true"]) {
      const { status, body } = await register({ redirect_uris, lockstep_verified });
      expect([status, body["error"]]).toEqual([400, "invalid_client_metadata"]);
    }
  });

  it("keeps the known scopes that it names, and gets them in the answer", async () => {
    const scopeOf = async (scope?: string) =>
      (await register({ redirect_uris, ...(scope !== undefined && { scope }) })).body["scope"];
    expect(await scopeOf("openid mcp:tools profile:read")).toBe("openid profile:read offline_access");
    const all = "openid profile email offline_access profile:read profile:write photos:read";
    expect([await scopeOf(), await scopeOf("mcp:tools")]).toEqual([all, all]);
  });

  it("may have a redirect URI with a custom scheme of one word", async () => {
    const uris = ["cursor://anysphere.cursor-retrieval/oauth/callback"];
    const { status, body } = await register({ redirect_uris: uris, application_type: "native" });
    expect([status, body["redirect_uris"]]).toEqual([201, uris]);
  });

  it.each([
    [["com.example.app:/callback"], "native"],
    [["cursor://app.example/callback", "https://app.example/callback"], "native"],
    [["http://127.0.0.1/callback"], "native"],
    [["http://localhost:33418/callback", "http://[::1]:33418/callback"], "native"],
    [["http://localhost:3000/callback", "https://app.example/callback"], "web"],
    [["https://app.example/callback"], "web"],
  ])("without application_type and with %j is %s", async (redirect_uris, expected) => {
    for (const token_endpoint_auth_method of ["none", "client_secret_basic"]) {
      const { body } = await register({ redirect_uris, token_endpoint_auth_method, application_type: null });
      expect(body["application_type"]).toBe(expected);
    }
    // An explicit type wins if the redirect URIs allow it.
    const said = await register({ redirect_uris, application_type: "web" });
    expect(said.status).toBe(redirect_uris.some((uri) => !uri.startsWith("http")) ? 400 : 201);
  });

  it("may use any port of the loopback interface if it is native, and otherwise only the registered one", async () => {
    const browser = openBrowser(server);
    const redirect_uris = ["http://localhost:33418/callback"];
    for (const application_type of [undefined, "web"]) {
      const { body } = await register({ redirect_uris, token_endpoint_auth_method: "none", application_type });
      const config = await client.discovery(new URL(server.url), String(body["client_id"]), undefined, client.None(), {
        execute: [client.allowInsecureRequests],
      });
      for (const [redirect_uri, isAsked] of [
        ["http://localhost:33418/callback", true],
        ["http://localhost:50123/callback", application_type === undefined],
        ["http://localhost:33418/other", false],
      ] as const) {
        const { url } = await browser.follow((await beginAuthorization(config, { redirect_uri })).url);
        expect([application_type, redirect_uri, url.pathname.startsWith("/interaction/")]).toEqual([
          application_type,
          redirect_uri,
          isAsked,
        ]);
      }
    }
  });

  it.each([
    { redirect_uris: ["http://evil.example/"] },
    { redirect_uris: ["https://evil.example/#x"] },
    { redirect_uris: ["https://user@evil.example/"] },
    { redirect_uris: ["com.example.app:/callback"], application_type: "web" },
    { redirect_uris: ["com.example.app:/callback", "http://evil.example/"] },
    { redirect_uris: ["javascript:alert(1)"] },
    { redirect_uris: ["cursor://app.example/callback"], application_type: "web" },
    { redirect_uris: ["javascript:alert(1)"], application_type: "native" },
    { redirect_uris: ["javascript://x/%0aalert(1)"], application_type: "native" },
    { redirect_uris: ["data:text/html,x"], application_type: "native" },
    { redirect_uris: ["http://192.168.0.1/"], application_type: "native" },
    { redirect_uris: [] },
    { redirect_uris: "https://evil.example/" },
    { redirect_uris: [{}] },
    { redirect_uris: [null] },
    {},
    { redirect_uris, post_logout_redirect_uris: ["http://evil.example/"] },
    { redirect_uris, grant_types: ["password"] },
    { redirect_uris, grant_types: ["implicit"], response_types: ["token"] },
    { redirect_uris, grant_types: ["authorization_code", "client_credentials"], token_endpoint_auth_method: "none" },
    { redirect_uris, token_endpoint_auth_method: "client_secret_jwt" },
    { redirect_uris, token_endpoint_auth_method: "tls_client_auth" },
    { redirect_uris, token_endpoint_auth_method: "private_key_jwt" },
    { redirect_uris, id_token_signed_response_alg: "none" },
    { redirect_uris, id_token_signed_response_alg: "HS256" },
    { redirect_uris, client_name: "\0" },
    { redirect_uris, client_name: "\u202egood" },
    { redirect_uris, client_name: "x".repeat(101) },
    { redirect_uris, client_name: {} },
    { redirect_uris, client_uri: "javascript:alert(1)" },
    { redirect_uris, scope: 1 },
    { redirect_uris, jwks: { keys: [{ kty: "oct", k: "AA" }] } },
    null,
    [],
    "x",
    1,
  ])("[S31] is refused with %j", async (metadata) => {
    const { status, body } = await register(metadata);
    expect([status, body["error"]]).toEqual([400, expect.stringMatching(/^invalid_/)]);
    expect(body["error_description"]).toEqual(expect.any(String));
  });

  it("[S17] can register from a page of any origin", async () => {
    const origin = { origin: "https://inspector.example" };
    const preflight = await fetch(`${server.url}/register`, {
      method: "OPTIONS",
      headers: { ...origin, "access-control-request-method": "POST", "access-control-request-headers": "content-type" },
    });
    expect(preflight.status).toBe(204);
    for (const { headers } of [
      preflight,
      await register({ redirect_uris }, server, origin),
      await register({}, server, origin),
    ]) {
      expect(headers.get("access-control-allow-origin")).toBe("*");
    }
  });

  it("cannot be read, changed or deleted over the wire", async () => {
    const { body } = await register({ redirect_uris });
    expect(body).not.toHaveProperty("registration_access_token");
    for (const method of ["GET", "PUT", "DELETE"]) {
      const response = await fetch(`${server.url}/register/${body["client_id"]}`, { method });
      expect(response.status).toBe(404);
    }
  });
});

describe("a registration over the wire", () => {
  const names = [
    "redirect_uris",
    "post_logout_redirect_uris",
    "grant_types",
    "response_types",
    "response_modes",
    "contacts",
    "default_acr_values",
    "default_max_age",
    "client_name",
    "client_uri",
    "logo_uri",
    "policy_uri",
    "tos_uri",
    "initiate_login_uri",
    "jwks_uri",
    "jwks",
    "scope",
    "application_type",
    "subject_type",
    "sector_identifier_uri",
    "token_endpoint_auth_method",
    "token_endpoint_auth_signing_alg",
    "id_token_signed_response_alg",
    "require_pushed_authorization_requests",
    "dpop_bound_access_tokens",
    "backchannel_logout_uri",
    "backchannel_logout_session_required",
    "client_id",
    "client_secret",
    "software_statement",
    "__proto__",
    "constructor",
    "something_else",
  ];
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.array(fc.webUrl(), { maxLength: 25 }),
    fc.constantFrom(callback, [callback], {}, [[]], [null], { keys: {} }, { keys: [{}] }, { length: 1 }, 1e300, "none"),
  );
  const metadata = fc.oneof(
    fc.dictionary(fc.constantFrom(...names), value),
    fc.dictionary(fc.constantFrom(...names), value).map((rest) => ({ ...rest, redirect_uris })),
    fc.jsonValue(),
  );

  it("[S31] is answered 201 or 400 as RFC 7591 says, for any JSON", async () => {
    await fc.assert(
      fc.asyncProperty(metadata, async (generated) => {
        const { status, body } = await register(generated);
        if (status === 201) expect(body["client_id"]).toEqual(expect.any(String));
        else
          expect([status, body["error"]]).toEqual([
            400,
            expect.stringMatching(/^(invalid_redirect_uri|invalid_client_metadata|invalid_request)$/),
          ]);
      }),
      { numRuns: 400 },
    );
  });

  it.each([
    [{ redirect_uris: {} }, "invalid_redirect_uri"],
    [{ redirect_uris: 1 }, "invalid_redirect_uri"],
    [{ redirect_uris: true }, "invalid_redirect_uri"],
    [{ redirect_uris: Array.from({ length: 21 }, (_, index) => `${callback}/${index}`) }, "invalid_redirect_uri"],
    [{ redirect_uris: ["https://*.example.com/callback"] }, "invalid_redirect_uri"],
    [{ redirect_uris: [`${callback}?${"x".repeat(2000)}`] }, "invalid_redirect_uri"],
    [
      { redirect_uris, post_logout_redirect_uris: Array.from({ length: 21 }, (_, index) => `${callback}/${index}`) },
      "invalid_client_metadata",
    ],
    [{ redirect_uris, grant_types: {} }, "invalid_client_metadata"],
    [{ redirect_uris, client_uri: "http://photos.example/" }, "invalid_client_metadata"],
    [{ redirect_uris, logo_uri: "http://photos.example/logo.png" }, "invalid_client_metadata"],
    [{ redirect_uris, policy_uri: "data:text/html,x" }, "invalid_client_metadata"],
    [{ redirect_uris, tos_uri: "https://photos.example/#x" }, "invalid_client_metadata"],
    [{ redirect_uris, contacts: Array.from({ length: 21 }, () => "a@photos.example") }, "invalid_client_metadata"],
    [{ redirect_uris, jwks: { keys: Array.from({ length: 21 }, () => ({})) } }, "invalid_client_metadata"],
  ] as const)("has the limits of the page that registers clients: %j", async (metadata, error) => {
    const { status, body } = await register(metadata);
    expect([status, body["error"]]).toEqual([400, error]);
  });

  it("is limited to 8 kB [S92]", async () => {
    const { status, body } = await register({ redirect_uris, something_else: "x".repeat(8192) });
    expect([status, body["error"]]).toEqual([400, "invalid_client_metadata"]);
    expect((await register({ redirect_uris, something_else: "x".repeat(8000) })).status).toBe(201);
  });

  it("is refused when it is nested too deep to be serialized, without an internal error [S92]", async () => {
    const depth = 25_000;
    const body = `{"redirect_uris":["${callback}"],"something_else":${"[".repeat(depth)}${"]".repeat(depth)}}`;
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${server.url}/register`, { method: "POST", headers, body });
    expect([response.status, await response.json()]).toMatchObject([400, { error: "invalid_client_metadata" }]);
  });

  it("ignores sector_identifier_uri, and does not return one: subjects are public", async () => {
    const sector_identifier_uri = "https://photos.example/sector.json";
    // The tests have no network: fetching it would fail.
    const { status, body } = await register({ redirect_uris, sector_identifier_uri, subject_type: "public" });
    expect([status, body["sector_identifier_uri"], body["subject_type"]]).toEqual([201, undefined, "public"]);
    expect((await register({ redirect_uris, subject_type: "pairwise" })).status).toBe(400);
  });

  it.each([
    "Lockstep",
    "Lockstep ✔ Verified",
    "Lосkstep",
    "\u3164",
    "Pho\u3164tos",
    `a${"\u0301".repeat(99)}`,
    "Photos ✅",
    "\u202eotohP",
  ])("[S99] refuses the misleading name %j", async (client_name) => {
    const { status, body } = await register({ redirect_uris, client_name });
    expect([status, body["error"]]).toEqual([400, "invalid_client_metadata"]);
  });

  it("ignores properties that are null", async () => {
    const { status, body } = await register({ redirect_uris, client_uri: null, contacts: null, jwks: null });
    expect([status, "client_uri" in body]).toEqual([201, false]);
  });
});

describe("registration", () => {
  it("is off by default", async () => {
    await using server = await startAuthorizationServer();
    expect((await fetch(`${server.url}/register`, { method: "POST", body: "{}" })).status).toBe(404);
    const discovered = await fetch(`${server.url}/.well-known/openid-configuration`);
    expect(await discovered.json()).not.toHaveProperty("registration_endpoint");
  });

  it("requires the token when one is configured", async () => {
    const token = "a-registration-token-of-thirty-two-characters";
    await using server = await startAuthorizationServer({ config: { registration: { token } } });
    const metadata = { redirect_uris };
    for (const headers of [{}, { authorization: "Bearer x" }, { authorization: "Bearer " }]) {
      const { status, body } = await register(metadata, server, headers as Record<string, string>);
      expect([status, body["client_id"]]).toEqual([expect.toBeOneOf([400, 401]), undefined]);
    }
    expect((await register(metadata, server, { authorization: `Bearer ${token}` })).status).toBe(201);
  });
});

describe.each(engines)("text that cannot be stored, on $engine", ({ newDatabase }) => {
  it("causes no internal error anywhere in a registration", async () => {
    await using server = await startOn(newDatabase, { config: { registration: "open" } });
    for (const bad of ["\0", "a\0b", "\ud800", "\u{10ffff}"]) {
      const name = await register({ redirect_uris, client_name: bad }, server);
      expect([name.status, name.body["error"]]).toEqual([400, "invalid_client_metadata"]);
      const uri = await register({ redirect_uris: [`${callback}/${bad}`] }, server);
      expect(uri.status).toBeLessThan(500);
      const asked = new URLSearchParams({
        client_id: bad,
        redirect_uri: bad,
        response_type: bad,
        state: bad,
        scope: bad,
      });
      expect((await fetch(`${server.url}/authorize?${asked}`)).status).toBe(400);
      for (const path of ["/token", "/introspect", "/revoke", "/par", "/device/authorize"]) {
        const form = { client_id: bad, token: bad, code: bad, refresh_token: bad, grant_type: "refresh_token" };
        const response = await fetch(`${server.url}${path}`, { method: "POST", body: new URLSearchParams(form) });
        expect([path, response.status]).toEqual([path, 401]);
      }
    }
  });
});

describe("a registration that the contract accepts", () => {
  let metadata: client.ServerMetadata;
  beforeAll(async () => {
    const config = await client.discovery(new URL(server.url), "any", undefined, client.None(), {
      execute: [client.allowInsecureRequests],
    });
    metadata = config.serverMetadata();
  });

  const loopback = fc.constantFrom("localhost", "127.0.0.1", "[::1]");
  const host = fc.oneof(loopback, fc.domain(), fc.ipV4(), fc.constantFrom("evil.example", "192.168.0.1", "127.0.0.2"));
  const scheme = fc.constantFrom(
    "https:",
    "http:",
    "HTTPS:",
    "com.example.app:",
    "myapp:",
    "javascript:",
    "data:",
    "ws:",
    "file:",
  );
  const port = fc.constantFrom("", ":3000", ":0", ":99999");
  const tail = fc.constantFrom(
    "",
    "/",
    "/callback",
    "/callback?x=1",
    "/callback#x",
    "/a/../b",
    "/\0",
    "/ä",
    "/%00",
    "/<script>",
  );
  const uri = fc.oneof(
    fc
      .tuple(scheme, fc.constantFrom("//", "/", ""), fc.constantFrom("", "user@", "u:p@"), host, port, tail)
      .map((parts) => parts.join("")),
    fc.webUrl({ withFragments: true, withQueryParameters: true }),
    fc.string({ maxLength: 40 }),
  );

  it("[S2] has redirect URIs that are also accepted over the wire, and no others", async () => {
    await fc.assert(
      fc.asyncProperty(uri, fc.constantFrom("web", "native"), async (uri, type) => {
        const schema = type === "native" ? NativeRedirectUri : WebRedirectUri;
        const { status } = await register({ redirect_uris: [uri], application_type: type });
        expect([uri, status]).toEqual([uri, schema.safeParse(uri).success ? 201 : 400]);
      }),
      { numRuns: 150 },
    );
  });

  it("[S1] [S3] accepts requests with registered redirect URIs, and no others", async () => {
    const browser = openBrowser(server);
    await fc.assert(
      fc.asyncProperty(uri, uri, async (registered, asked) => {
        const input = RegisterClientInput.safeParse({
          name: "x",
          kind: "web",
          redirectUris: [registered],
          scopes: ["profile:read"],
        });
        // A valid URI in place of an invalid one, so that every run checks something.
        fc.pre(input.success);
        const { client: app, secret } = await server.domain.clients.register(input.data, "operator", testSource);
        const config = new client.Configuration(metadata, app.id, secret ?? "");
        client.allowInsecureRequests(config);
        for (const [redirect_uri, expected] of [
          [registered, true],
          // An empty parameter counts as absent (RFC 6749 §3.1), and there is only one URI to choose.
          [asked, asked === registered || asked === ""],
        ] as const) {
          const { url } = await beginAuthorization(config, { redirect_uri });
          const reached = await browser.follow(url);
          expect([redirect_uri, reached.url.pathname.startsWith("/interaction/")]).toEqual([redirect_uri, expected]);
          expect(reached.url.origin).toBe(server.url);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("[S14] [S25] limits the scopes that are granted, whatever is asked for", async () => {
    const browser = await signedInBrowser(server);
    const registered = ["profile:read", "photos:read"] as const;
    const { client: app, secret } = await server.domain.clients.register(
      { ...photoApp, scopes: [...registered] },
      "operator",
      testSource,
    );
    const config = new client.Configuration(metadata, app.id, secret ?? "");
    client.allowInsecureRequests(config);
    const word = fc.constantFrom(
      "openid",
      "profile",
      "email",
      "profile:read",
      "profile:write",
      "photos:read",
      "admin",
      "*",
      "PROFILE:READ",
    );
    await fc.assert(
      fc.asyncProperty(fc.array(word, { minLength: 1, maxLength: 5 }), async (words) => {
        const { url, checks } = await beginAuthorization(config, { scope: words.join(" "), prompt: "consent" });
        const back = await browser.allow(url);
        if (words.includes("profile:write")) {
          expect(back.searchParams.get("error")).toBe("invalid_scope");
          return;
        }
        const mayHave = new Set(["openid", "profile", "email", ...registered] as string[]);
        const granted = words.filter((each) => mayHave.has(each));
        const answer = client.authorizationCodeGrant(config, back, checks);
        if (granted.length === 0) expect(await refusalOf(answer)).toBe("invalid_scope");
        else expect(new Set((await answer).scope?.split(" "))).toEqual(new Set(granted));
      }),
      { numRuns: 25 },
    );
  });
});
