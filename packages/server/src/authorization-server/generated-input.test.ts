// Valid requests, spoiled at random: every endpoint answers them below 500, in the form of its standard or with a page,
// and redirects a browser only to the client's own URI.

import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { connect as connectTo } from "node:net";
import * as fc from "fast-check";
import * as client from "openid-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { engines } from "../../test/engines.ts";
import { webDirectory } from "../../test/web-directory.ts";
import {
  type Browser,
  basic,
  beginAuthorization,
  callback,
  registerClient,
  shownBy,
  signedInBrowser,
  startOn,
} from "./testing.ts";

/** Requests to each endpoint, on each engine. */
const numRuns = 80;

type Pairs = readonly (readonly [name: string, value: string])[];

const hostile = [
  "",
  " ",
  "\0",
  "a\0b",
  "\ud800",
  "x\udfff",
  "\u202e",
  "ä".repeat(300),
  "x".repeat(5000),
  "__proto__",
  "constructor",
  "[object Object]",
  "null",
  "{}",
  "[]",
  '{"__proto__":{}}',
  '{"id_token":{"sub":{"value":1}},"userinfo":null}',
  '{"userinfo":[],"id_token":"x"}',
  "NaN",
  "Infinity",
  "-1",
  "1e308",
  "0x10",
  "99999999999999999999",
  "1.5",
  "a.b.c",
  "eyJhbGciOiJub25lIn0.e30.",
  "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOm51bGx9.AAAA",
  "eyJhbGciOiJFUzI1NiIsImtpZCI6eyJhIjoxfX0.bnVsbA.AAAA",
  "urn:ietf:params:oauth:request_uri:x",
  "urn:ietf:params:oauth:request_uri:\0",
  "https://evil.example/x.jwt",
  "http://127.0.0.1:1/x",
  "file:///etc/passwd",
  "javascript:alert(1)",
  "//evil.example",
  "https://[::1",
  "https://user:pass@photos.example:99999/",
  "none login consent select_account",
  "create",
  "none",
  "login",
  "query.jwt",
  "form_post",
  "fragment",
  "code id_token token",
  "plain",
  "' or 1=1 --",
  "..%2f..%2f",
];

/** Names that every endpoint gets besides its own. */
const otherNames = [
  ...["__proto__", "constructor", "toString", "hasOwnProperty", "__proto__[x]", "x[y][z]", "scope[]", "client_id[0]"],
  ...["request", "request_uri", "claims", "claims_locales", "registration", "resource", "prompt", "max_age", "nonce"],
  ...["id_token_hint", "login_hint", "acr_values", "ui_locales", "display", "response_mode", "response_type", "state"],
  ...[
    "client_assertion",
    "client_assertion_type",
    "client_secret",
    "dpop_jkt",
    "authorization_details",
    "web_message_uri",
  ],
  ...[
    "token",
    "token_type_hint",
    "code",
    "code_verifier",
    "refresh_token",
    "device_code",
    "user_code",
    "xsrf",
    "logout",
  ],
  ...["lockstep_scopes", "grant_type", "username", "password", "", "\0", "\ud800"],
];

const anyText = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...hostile) },
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ unit: fc.integer({ min: 0xd700, max: 0xe100 }).map((code) => String.fromCharCode(code)), maxLength: 4 }),
  fc.json({ maxDepth: 2 }),
  fc.webUrl({ withQueryParameters: true, withFragments: true }),
  fc.integer().map(String),
);

/** How the parameters of a valid request can be spoiled. */
const spoilingOf = (names: readonly string[]) => {
  const name = fc.oneof(fc.constantFrom(...names), fc.constantFrom(...otherNames));
  const own = fc.constantFrom(...names);
  return fc.oneof(
    fc.record({ kind: fc.constant("replace" as const), name: own, value: anyText }),
    fc.record({ kind: fc.constant("add" as const), name, value: anyText }),
    fc.record({ kind: fc.constant("repeat" as const), name: own, value: anyText }),
    fc.record({ kind: fc.constant("leave out" as const), name: own, value: fc.constant("") }),
    fc.record({
      kind: fc.constant("rename" as const),
      name: own,
      value: fc.constantFrom("[]", "[0]", "[x]", "\0", " "),
    }),
  );
};

type Spoiling = { kind: "replace" | "add" | "repeat" | "leave out" | "rename"; name: string; value: string };

const spoiled = (good: Pairs, spoilings: readonly Spoiling[]): Pairs => {
  let pairs = good;
  for (const { kind, name, value } of spoilings) {
    const [same, others] = [pairs.filter((pair) => pair[0] === name), pairs.filter((pair) => pair[0] !== name)];
    const changed: Record<Spoiling["kind"], () => Pairs> = {
      replace: () => [...others, [name, value]],
      add: () => [...pairs, [name, value]],
      repeat: () => [...pairs, ...same, [name, value]],
      "leave out": () => others,
      rename: () => [...others, ...same.map((pair) => [name + value, pair[1]] as const)],
    };
    pairs = changed[kind]();
  }
  return pairs;
};

/** Ways to percent-encode text: correctly, or so that decoders fail. */
const encodings = {
  right: (text: string) => encodeURIComponent(text.toWellFormed()),
  surrogates: (text: string) => Array.from(text, escaped).join(""),
  latin1: (text: string) =>
    [...Buffer.from(text, "latin1")].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join(""),
  utf16: (text: string) =>
    [...Buffer.from(text, "utf16le")].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join(""),
  twice: (text: string) => encodeURIComponent(encodeURIComponent(text.toWellFormed())),
  broken: (text: string) => `${encodeURIComponent(text.toWellFormed())}%`,
  odd: (text: string) => `%u0041%zz%${encodeURIComponent(text.toWellFormed())}%f`,
};
type Encoding = keyof typeof encodings;
const anyEncoding = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Encoding>("right") },
  fc.constantFrom(...(Object.keys(encodings) as Encoding[])),
);

/** Encodes each lone surrogate as three bytes, which are not UTF-8. */
const escaped = (character: string): string => {
  if (character.isWellFormed()) return encodeURIComponent(character);
  const code = character.charCodeAt(0);
  const bytes = [0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)];
  return bytes.map((byte) => `%${byte.toString(16)}`).join("");
};

const formOf = (pairs: Pairs, encoding: Encoding): string =>
  pairs.map(([name, value]) => `${encodings[encoding](name)}=${encodings[encoding](value)}`).join("&");

const headerText = fc.oneof(
  fc.constantFrom(
    "Basic",
    "Basic x",
    "Basic Og==",
    "Basic OjovLw==",
    "Basic JTAwOiUwMA==",
    "Basic JWZmOiV6eg==",
    "Bearer",
  ),
  fc.constantFrom(
    "Bearer a.b.c",
    "Bearer eyJhbGciOiJub25lIn0.e30.",
    "DPoP a.b.c",
    "DPoP",
    "Digest x=y",
    "bearer \u00e4",
  ),
  fc.constantFrom("*/*", "text/html", "application/json", "x", ";;;", "null", "\u00ff", "a".repeat(4000)),
  fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)), maxLength: 60 }),
);
const anyHeaders = fc.dictionary(
  fc.constantFrom("accept", "authorization", "dpop", "origin", "referer", "user-agent", "accept-language", "cookie"),
  // Node's client sends no control characters and no surrounding spaces.
  headerText.map((text) => text.replaceAll("\u007f", "").trim()),
  { maxKeys: 3 },
);

const form = "application/x-www-form-urlencoded";
const anyContentType = fc.oneof(
  { weight: 4, arbitrary: fc.constant(form) },
  fc.constantFrom(
    "application/json",
    "text/plain",
    "multipart/form-data; boundary=x",
    `${form}; charset=utf-16`,
    "x",
    "",
  ),
);

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

describe.each(engines)("a spoiled request on $engine", ({ newDatabase }) => {
  let server: Awaited<ReturnType<typeof startOn>>;
  let app: Awaited<ReturnType<typeof registerClient>>;
  let withoutPkce: typeof app;
  let device: typeof app;
  let browser: Browser;
  const logged: string[] = [];
  const unhandled: unknown[] = [];
  const notice = (error: unknown) => void unhandled.push(error);

  beforeAll(async () => {
    process.on("unhandledRejection", notice);
    const stream = { write: (line: string) => void logged.push(line) };
    server = await startOn(newDatabase, {
      webDirectory,
      config: { registration: "open" },
      logger: { level: "error", stream },
    });
    app = await registerClient(server);
    withoutPkce = await registerClient(server);
    device = await registerClient(server, { kind: "native", redirectUris: ["http://127.0.0.1/callback"] });
    browser = await signedInBrowser(server);
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    process.off("unhandledRejection", notice);
  });

  /** Sends a URL unchanged, which `fetch` would normalize. */
  const send = (
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: string | Buffer,
  ): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(server.url);
      const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
      const sent = httpRequest({ method, hostname, port, path, headers: { ...headers, ...length } }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => void chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString(),
          }),
        );
      });
      sent.on("error", reject);
      sent.end(body);
    });

  const cookiesOf = (path: string) =>
    [...browser.jar]
      .filter(([, cookie]) => cookie.path === "/" || cookie.path === path)
      .map(([name, { value }]) => `${name.split(" ")[0]}=${value}`)
      .join("; ");

  const expectAnswered = ({ status, headers, text }: Answer, path: string) => {
    expect([status, logged.splice(0), unhandled.splice(0)]).toEqual([
      expect.toSatisfy((each: number) => each >= 200 && each < 500, "a status below 500"),
      [],
      [],
    ]);
    const { location } = headers;
    if (location !== undefined) {
      const to = new URL(location, server.url);
      const ours =
        to.origin === server.url &&
        ["/interaction/", "/logout", "/authorize", "/device"].some((each) => to.pathname.startsWith(each));
      expect([
        location,
        ours || location.startsWith(callback) || location.startsWith("https://photos.example/bye"),
      ]).toEqual([location, true]);
      return;
    }
    const type = headers["content-type"] ?? "";
    if (status < 400 || path.startsWith("/trpc/") || type.startsWith("text/html")) return;
    expect(JSON.parse(text)).toMatchObject({ error: expect.stringMatching(/^[a-z_]+$/) });
  };

  const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code";
  const credentials = () =>
    [
      ["client_id", app.id],
      ["client_secret", app.secret ?? ""],
    ] as const;
  const challenge = [
    ["code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"],
    ["code_challenge_method", "S256"],
  ] as const;
  const asked = (): Pairs => [
    ["client_id", app.id],
    ["response_type", "code"],
    ["redirect_uri", callback],
    ["scope", "openid profile:read"],
    ["state", "s"],
    ["nonce", "n"],
    ...challenge,
  ];
  const xsrf = async () => {
    const page = await shownBy(await browser.go("/device"));
    return page?.page === "device_code" ? page.token : "";
  };

  /** A valid request of each kind, which is then spoiled. */
  const good: {
    method: "GET" | "POST";
    path: string;
    headers?: () => Record<string, string>;
    pairs: () => Pairs | Promise<Pairs>;
  }[] = [
    { method: "GET", path: "/authorize", pairs: asked },
    { method: "POST", path: "/authorize", pairs: asked },
    {
      method: "GET",
      path: "/authorize",
      pairs: () => [
        ...asked(),
        ["prompt", "none"],
        ["max_age", "5"],
        ["claims", "{}"],
        ["resource", server.url],
        ["response_mode", "form_post"],
        ["login_hint", "john"],
        ["acr_values", "x"],
      ],
    },
    {
      method: "GET",
      path: "/authorize",
      pairs: () => [
        ...asked().filter(([name]) => !name.startsWith("code_") && name !== "client_id"),
        ["client_id", withoutPkce.id],
      ],
    },
    { method: "POST", path: "/par", pairs: () => [...asked(), ...credentials()] },
    {
      method: "GET",
      path: "/logout",
      pairs: () => [
        ["client_id", app.id],
        ["post_logout_redirect_uri", "https://photos.example/bye"],
        ["state", "s"],
        ["id_token_hint", "a.b.c"],
        ["logout_hint", "x"],
        ["ui_locales", "de"],
      ],
    },
    {
      method: "POST",
      path: "/logout",
      pairs: () => [
        ["client_id", app.id],
        ["post_logout_redirect_uri", "https://photos.example/bye"],
        ["state", "s"],
      ],
    },
    {
      method: "POST",
      path: "/logout/confirm",
      pairs: () => [
        ["xsrf", "x"],
        ["logout", "yes"],
      ],
    },
    { method: "GET", path: "/device", pairs: () => [["user_code", "BBBB-BBBB"]] },
    {
      method: "POST",
      path: "/device",
      pairs: async () => [
        ["xsrf", await xsrf()],
        ["user_code", (await client.initiateDeviceAuthorization(device.config, { scope: "openid" })).user_code],
        ["confirm", "yes"],
      ],
    },
    {
      method: "POST",
      path: "/device/authorize",
      pairs: () => [
        ["client_id", device.id],
        ["scope", "openid profile:read"],
        ["resource", server.url],
      ],
    },
    {
      method: "POST",
      path: "/token",
      pairs: () => [
        ["grant_type", "authorization_code"],
        ["code", "x"],
        ["redirect_uri", callback],
        ["code_verifier", "x".repeat(43)],
        ...credentials(),
      ],
    },
    {
      method: "POST",
      path: "/token",
      pairs: () => [
        ["grant_type", "refresh_token"],
        ["refresh_token", "x"],
        ["scope", "openid"],
        ["resource", server.url],
        ...credentials(),
      ],
    },
    {
      method: "POST",
      path: "/token",
      pairs: async () => [
        ["grant_type", deviceGrant],
        ["device_code", (await client.initiateDeviceAuthorization(device.config, { scope: "openid" })).device_code],
        ["client_id", device.id],
      ],
    },
    {
      method: "POST",
      path: "/token",
      pairs: () => [
        ["grant_type", "client_credentials"],
        ["scope", "profile:read"],
        ["client_assertion", "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJ4Iiwic3ViIjoieCJ9.AAAA"],
        ["client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"],
        ["client_id", app.id],
      ],
    },
    {
      method: "POST",
      path: "/token",
      pairs: () => [
        ["grant_type", "refresh_token"],
        ["refresh_token", "a.1.b"],
      ],
    },
    {
      method: "POST",
      path: "/revoke",
      headers: () => basic(app.id, app.secret),
      pairs: () => [
        ["token", "x"],
        ["token_type_hint", "refresh_token"],
      ],
    },
    {
      method: "POST",
      path: "/introspect",
      headers: () => basic(app.id, app.secret),
      pairs: () => [
        ["token", "a.b.c"],
        ["token_type_hint", "access_token"],
      ],
    },
    {
      method: "GET",
      path: "/userinfo",
      headers: () => ({ authorization: "Bearer a.b.c" }),
      pairs: () => [["access_token", "x"]],
    },
    {
      method: "POST",
      path: "/userinfo",
      headers: () => ({ authorization: "DPoP a.b.c", dpop: "a.b.c" }),
      pairs: () => [["access_token", "x"]],
    },
    { method: "POST", path: "/register", pairs: () => [["redirect_uris", callback]] },
  ];

  it.each(good.map((each, index) => [`${each.method} ${each.path}`, index, each] as const))(
    "is answered below 500: %s (%i)",
    async (_name, _index, { method, path, headers = () => ({}), pairs }) => {
      const own = (await pairs()).map(([name]) => name);
      await fc.assert(
        fc.asyncProperty(
          fc.array(spoilingOf(own), { minLength: 1, maxLength: 3 }),
          anyEncoding,
          anyContentType,
          anyHeaders,
          fc.boolean(),
          async (spoilings, encoding, contentType, more, keepsHeaders) => {
            const sent = formOf(spoiled(await pairs(), spoilings), encoding);
            const all = {
              cookie: cookiesOf(path),
              accept: "text/html",
              ...headers(),
              ...(method === "POST" && contentType !== "" && { "content-type": contentType }),
              ...(!keepsHeaders && more),
            };
            // Its wrong codes would make the others wait.
            if (path === "/device") await server.db.deleteFrom("throttles").execute();
            const inAddress = method === "GET" ? `${path}?${sent.slice(0, 8000)}` : path;
            expectAnswered(await send(method, inAddress, all, method === "GET" ? undefined : sent), path);
          },
        ),
        { numRuns },
      );
    },
  );

  it("is answered below 500 as a registration with any text", async () => {
    const text = fc.oneof(anyText, fc.constantFrom(callback, "openid", "web", "none"));
    const value = fc.oneof(text, fc.array(text, { maxLength: 3 }), fc.constant(undefined));
    const names = ["client_name", "client_uri", "scope", "contacts", "redirect_uris", "software_id", "\0", "\ud800"];
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.constantFrom(...names), value), async (said) => {
        const body = JSON.stringify({ redirect_uris: [callback], ...said });
        expectAnswered(await send("POST", "/register", { "content-type": "application/json" }, body), "/register");
      }),
      { numRuns },
    );
  });

  it("is answered below 500 by the operations authorization.*", async () => {
    const { url } = await beginAuthorization(app.config, { prompt: "consent" });
    const authorizationId = browser.authorizationId((await browser.follow(url)).url);
    const authorization = `Bearer ${(await browser.rpc("auth.refresh", { transport: "cookie" })).data?.["accessToken"]}`;
    const input = fc.oneof(
      fc
        .record({ authorizationId: fc.oneof(anyText, fc.jsonValue({ maxDepth: 1 })) })
        .map((each) => JSON.stringify(each)),
      fc.constant(JSON.stringify({ authorizationId, __proto__: 1, more: "x" })),
      fc.constantFrom(
        `{"authorizationId":"${authorizationId}","authorizationId":1}`,
        '{"__proto__":{"authorizationId":"x"}}',
        '{"authorizationId":"\\ud800"}',
      ),
      fc.json({ maxDepth: 2 }),
      anyText,
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("asker", "read", "deny", "approve"),
        input,
        anyEncoding,
        anyText,
        async (name, text, encoding, cookie) => {
          const isQuery = name === "asker" || name === "read";
          const path = `/trpc/authorization.${name}${isQuery ? `?input=${encodings[encoding](text)}` : ""}`.slice(
            0,
            8000,
          );
          const value = encodings[encoding](cookie).slice(0, 500);
          const headers = {
            cookie: `${cookiesOf("/")}; lockstep-authorization-${authorizationId}=${value}`,
            authorization,
            "sec-fetch-site": "same-origin",
            ...(!isQuery && { "content-type": "application/json" }),
          };
          expectAnswered(await send(isQuery ? "GET" : "POST", path, headers, isQuery ? undefined : text), path);
        },
      ),
      { numRuns: numRuns * 3 },
    );
  });

  it("is answered below 500, or not at all, with an invalid URL", async () => {
    const { hostname, port } = new URL(server.url);
    const raw = (bytes: Buffer) =>
      new Promise<string>((resolve) => {
        const chunks: Buffer[] = [];
        const socket = connectTo({ host: hostname, port: Number(port) }, () => void socket.write(bytes));
        socket.on("data", (chunk) => void chunks.push(chunk));
        socket.on("error", () => {});
        socket.on("close", () => resolve(Buffer.concat(chunks).toString("latin1")));
      });
    const addresses = [
      Buffer.from(`/authorize?client_id=${app.id}&state=ä\u{1f600}`),
      Buffer.from([...Buffer.from(`/authorize?client_id=${app.id}&state=`), 0xff, 0xfe, 0xc0, 0x80]),
      Buffer.from("//authorize?client_id=x"),
      Buffer.from(`/authorize/%ff%fe?x`),
      Buffer.from("/device/%"),
      Buffer.from("/device?user_code=%E0%A4%A"),
      Buffer.from("http://evil.example/authorize?client_id=x"),
      Buffer.from("/logout?post_logout_redirect_uri=//evil.example&x[]=1&x[0]=2&x=3"),
      Buffer.from("/authorize?#&?&=&&;"),
      Buffer.from("/authorize/__proto__"),
      Buffer.from("*"),
    ];
    for (const address of addresses) {
      for (const method of ["GET", "POST"]) {
        const head = `HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAccept: text/html\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;
        const answer = await raw(Buffer.concat([Buffer.from(`${method} `), address, Buffer.from(` ${head}`)]));
        expect([address.toString("latin1"), answer.slice(0, 12)]).toEqual([
          address.toString("latin1"),
          expect.stringMatching(/^(HTTP\/1\.1 [234]|$)/),
        ]);
      }
    }
    expect([logged, unhandled]).toEqual([[], []]);
  });
});
