import { operationsOf } from "@lockstep/kit";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fixtureContract } from "../fixture-app.ts";
import { john, resourceMetadata, startTestServer, type TestServer, testSource, typed } from "../testing.ts";

const problemJson = expect.stringMatching(/^application\/problem\+json\b/);

let server: TestServer;
let accessToken: string;

beforeAll(async () => {
  server = await startTestServer();
  ({ accessToken } = await server.domain.signIn.withPassword(typed(john.username, john.password)));
});
afterAll(() => server.close());

const inject = async (
  method: string,
  url: string,
  options: { token?: string | null; payload?: string; headers?: object } = {},
) => {
  const { token = accessToken, payload, headers } = options;
  const response = await server.app.inject({
    method: method as "GET",
    url,
    headers: {
      ...(token !== null && { authorization: `Bearer ${token}` }),
      ...(payload !== undefined && { "content-type": "application/json" }),
      ...headers,
    },
    ...(payload !== undefined && { payload }),
  });
  return {
    status: response.statusCode,
    headers: response.headers,
    text: response.body,
    body: response.body === "" ? null : JSON.parse(response.body),
  };
};

describe("the routes of the FastAPI guide", () => {
  it("answer the signed-in user, and the app's own operation", async () => {
    expect((await inject("GET", "/users/me")).body).toMatchObject({
      username: "john",
      fullName: "John Doe",
      disabled: false,
    });
    expect((await inject("GET", "/api/album")).body).toEqual({
      title: "Photos of John Doe",
    });
  });

  it("send Cache-Control: no-store", async () => {
    for (const path of ["/users/me", "/users/me/sessions"])
      expect((await inject("GET", path)).headers["cache-control"]).toBe("no-store");
  });

  it("change the name, list and end sessions, and sign out", async () => {
    const { accessToken: token } = await server.domain.signIn.withPassword(typed(john.username, john.password));
    const other = await server.domain.signIn.withPassword(typed(john.username, john.password));
    const changed = await inject("PATCH", "/users/me", { token, payload: '{"fullName":"Johnny Doe"}' });
    expect([changed.status, changed.body.fullName]).toEqual([200, "Johnny Doe"]);
    await inject("PATCH", "/users/me", { token, payload: '{"fullName":"John Doe"}' });
    const sessions = (await inject("GET", "/users/me/sessions", { token })).body as { id: string; current: boolean }[];
    expect(sessions.filter(({ current }) => current)).toHaveLength(1);
    expect((await inject("DELETE", `/users/me/sessions/${other.session.id}`, { token })).status).toBe(200);
    expect((await inject("DELETE", `/users/me/sessions/${other.session.id}`, { token })).body.code).toBe(
      "SESSION_NOT_FOUND",
    );
    expect((await inject("DELETE", "/users/me/sessions/current", { token })).status).toBe(200);
    expect((await inject("GET", "/users/me", { token })).status).toBe(401);
  });
});

describe("refusals", () => {
  it("[S36] challenge a missing token, without an error code", async () => {
    const { status, headers, body } = await inject("GET", "/users/me", { token: null });
    expect([status, headers["www-authenticate"], headers["content-type"]]).toEqual([
      401,
      `Bearer ${resourceMetadata}`,
      problemJson,
    ]);
    expect(body).toMatchObject({ type: "about:blank", status: 401, code: "UNAUTHENTICATED" });
    expect(headers["access-control-allow-origin"]).toBe("*");
  });

  it.each(["x", "a.b.c", ""])("[S37] answer the bad token %j with invalid_token", async (token) => {
    const { status, headers } = await inject("GET", "/users/me", { token });
    expect([status, headers["www-authenticate"]]).toEqual([401, expect.stringContaining('error="invalid_token"')]);
  });

  it("[S38] name exactly the required scopes", async () => {
    const narrowed = await server.domain.signIn.withPassword({ ...typed("john", "secret"), scopes: ["photos:read"] });
    const { status, headers, body } = await inject("GET", "/users/me", { token: narrowed.accessToken });
    expect([status, headers["www-authenticate"]]).toEqual([
      403,
      `Bearer error="insufficient_scope", scope="profile:read", ${resourceMetadata}`,
    ]);
    expect(body).toMatchObject({ code: "INSUFFICIENT_SCOPE", scopes: ["profile:read"] });
    expect((await inject("GET", "/api/album", { token: narrowed.accessToken })).status).toBe(200);
    expect((await inject("GET", "/users/me/sessions", { token: narrowed.accessToken })).body.code).toBe(
      "FIRST_PARTY_ONLY",
    );
  });

  it("[S39] [S40] apply to a token in the URL, and to two tokens", async () => {
    for (const token of [accessToken, null]) {
      const { status, headers } = await inject("GET", `/users/me?access_token=${accessToken}`, { token });
      expect([status, headers["www-authenticate"]]).toEqual([400, expect.stringContaining('error="invalid_request"')]);
    }
  });

  it("[S41] accept the scheme in any case", async () => {
    expect(
      (await inject("GET", "/users/me", { token: null, headers: { authorization: `bEARER ${accessToken}` } })).status,
    ).toBe(200);
  });

  it.each<[string, string, string | undefined, number, string]>([
    ["PATCH", "/users/me", "{bad", 400, "MALFORMED_REQUEST"],
    ["PATCH", "/users/me", "[]", 400, "INVALID_INPUT"],
    ["PATCH", "/users/me", "7", 400, "INVALID_INPUT"],
    ["PATCH", "/users/me", '{"fullName":1}', 400, "INVALID_INPUT"],
    ["PATCH", "/users/me", '{"fullName":"a\\u0000"}', 400, "INVALID_INPUT"],
    ["PATCH", "/users/me", '{"fullName":"\\ud800"}', 400, "INVALID_INPUT"],
    ["PATCH", "/users/me", "", 400, "INVALID_INPUT"],
    ["PATCH", "/users/me", "[".repeat(10_000) + "]".repeat(10_000), 400, "INVALID_INPUT"],
    ["PATCH", "/users/me", `"${"x".repeat(200_000)}"`, 413, "PAYLOAD_TOO_LARGE"],
    ["POST", "/users/me", undefined, 405, "METHOD_NOT_ALLOWED"],
    ["DELETE", "/api/album", undefined, 405, "METHOD_NOT_ALLOWED"],
    ["DELETE", "/users/me/sessions/nobody", undefined, 404, "SESSION_NOT_FOUND"],
    ["DELETE", "/users/me/sessions/%00", undefined, 400, "INVALID_INPUT"],
    ["DELETE", "/users/me/grants/a%00b", undefined, 400, "INVALID_INPUT"],
    ["DELETE", `/users/me/sessions/${"x".repeat(500)}`, undefined, 400, "INVALID_INPUT"],
  ])("answer %s %s, case %#", async (method, url, payload, status, code) => {
    const answer = await inject(method, url, payload === undefined ? {} : { payload });
    expect([answer.status, answer.body.code, answer.headers["content-type"]]).toEqual([status, code, problemJson]);
    expect(answer.text).not.toMatch(/stack|node_modules/);
  });

  it("list the methods of a path", async () => {
    expect((await inject("PUT", "/users/me")).headers["allow"]).toBe("GET, PATCH, DELETE, HEAD, OPTIONS");
  });

  it("answer a form with 415, and the content type to send", async () => {
    const answer = await inject("PATCH", "/users/me", {
      payload: "fullName=x",
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });
    expect([answer.status, answer.body.code]).toEqual([415, "UNSUPPORTED_MEDIA_TYPE"]);
    expect(answer.body.title).toContain("Send application/json");
  });
});

describe("HEAD, OPTIONS and other origins", () => {
  it("answer HEAD like GET, without a body", async () => {
    const { status, text } = await inject("HEAD", "/users/me");
    expect([status, text]).toEqual([200, ""]);
  });

  it("allow any origin, never with cookies", async () => {
    const { status, headers } = await inject("OPTIONS", "/users/me", {
      token: null,
      headers: {
        origin: "https://app.example",
        "access-control-request-method": "PATCH",
        "access-control-request-headers": "authorization",
      },
    });
    expect(status).toBe(204);
    expect(headers["access-control-allow-origin"]).toBe("*");
    expect(headers["access-control-allow-headers"]).toContain("authorization");
    expect(headers["access-control-allow-credentials"]).toBeUndefined();
  });
});

describe("REST and RPC", () => {
  /** A second call with the same token would be refused. */
  const endsSession: ReadonlySet<string> = new Set(["auth.logout", "account.delete"]);
  const withRest = [...operationsOf(fixtureContract.operations)].flatMap(([path, operation]) =>
    operation.rest ? [{ path, operation, rest: operation.rest }] : [],
  );

  it("give the same answers and refusals for any input", async () => {
    const narrowed = await server.domain.signIn.withPassword({ ...typed("john", "secret"), scopes: ["profile:read"] });
    const ended = await server.domain.signIn.withPassword(typed("john", "secret"));
    await server.domain.sessions.end(ended.user.id, ended.session.id, "revoked", testSource);
    const tokens = [accessToken, narrowed.accessToken, ended.accessToken, "nonsense", null];
    const text = fc.oneof(fc.string(), fc.constantFrom("", "John Doe", "a\u0000", "john@example.com", "\ud800"));
    const body = fc.oneof(
      fc.record({ fullName: text, email: fc.oneof(text, fc.constant(null)) }, { requiredKeys: [] }),
      fc.dictionary(fc.constantFrom("fullName", "email", "role", "__proto__"), fc.jsonValue()),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...withRest.filter(({ path }) => !endsSession.has(path))),
        fc.constantFrom(...tokens),
        body,
        fc.stringMatching(/^[\w-]{1,30}$/),
        async ({ path, operation, rest }, token, change, id) => {
          const [, inPath] = /\{(\w+)\}/.exec(rest.path) ?? [];
          const input = inPath ? { [inPath]: id } : rest.method === "PATCH" ? change : undefined;
          const overRest = await inject(rest.method, rest.path.replace(/\{\w+\}/, id), {
            token,
            ...(rest.method === "PATCH" && { payload: JSON.stringify(change) }),
          });
          const overRpc =
            operation.kind === "query"
              ? await inject("GET", `/trpc/${path}`, { token })
              : await inject("POST", `/trpc/${path}`, {
                  token,
                  payload: input === undefined ? "" : JSON.stringify(input),
                });
          const { error, result } = overRpc.body as {
            error?: { message: string; data: { code: string; details: object } };
            result?: { data: unknown };
          };
          expect(overRest.status).toBe(overRpc.status);
          expect(overRest.headers["www-authenticate"]).toBe(overRpc.headers["www-authenticate"]);
          if (error)
            expect(overRest.body).toMatchObject({ title: error.message, code: error.data.code, ...error.data.details });
          else expect(overRest.body).toEqual(result?.data);
        },
      ),
      { numRuns: 200 },
    );
  });
});
