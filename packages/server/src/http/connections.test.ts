import { connect } from "node:net";
import { text } from "node:stream/consumers";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { john, startTestServer, type TestServer, typed } from "../testing.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ world: { requestTimeoutMs: 300 } });
});
afterAll(() => server.close());

/** Everything that the server sends on one connection until it closes. */
const send = async (bytes: string) => {
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  // A reset connection returns what was read before.
  socket.on("error", () => {});
  socket.write(bytes, "latin1");
  const answer = await text(socket).catch(() => "");
  const [head = "", body = ""] = answer.split("\r\n\r\n", 2);
  return { status: Number(head.split(" ")[1] ?? 0), head: head.toLowerCase(), body };
};

const request = (line: string, ...headers: string[]) =>
  `${[line, ...headers, "connection: close"].join("\r\n")}\r\n\r\n`;
const host = "host: localhost";

const expectRefusal = (answer: Awaited<ReturnType<typeof send>>, status: number, code: string) => {
  expect(answer.status).toBe(status);
  expect(JSON.parse(answer.body)).toMatchObject({
    error: { data: { code, httpStatus: status, requestId: expect.stringMatching(/./) } },
  });
  for (const header of [
    "x-content-type-options: nosniff",
    "content-security-policy: default-src 'none'",
    "x-request-id:",
  ])
    expect(answer.head).toContain(header);
};

describe("a request that Node cannot parse", () => {
  it.each([
    [
      "a body that is cut off",
      `POST /trpc/auth.login HTTP/1.1\r\n${host}\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{`,
      408,
      "REQUEST_TIMEOUT",
    ],
    ["headers that are cut off", `GET / HTTP/1.1\r\n${host}\r\nx-a: `, 408, "REQUEST_TIMEOUT"],
    ["no HTTP", "hello\r\n\r\n", 400, "MALFORMED_REQUEST"],
    [
      "headers that are too large",
      request("GET / HTTP/1.1", host, `x-a: ${"a".repeat(20_000)}`),
      431,
      "HEADERS_TOO_LARGE",
    ],
    ["a target that is too long", request(`GET /?${"a".repeat(20_000)} HTTP/1.1`, host), 431, "HEADERS_TOO_LARGE"],
    [
      "two lengths",
      request("POST /token HTTP/1.1", host, "content-length: 1", "content-length: 2"),
      400,
      "MALFORMED_REQUEST",
    ],
    [
      "a length and chunks",
      request("POST /token HTTP/1.1", host, "content-length: 1", "transfer-encoding: chunked"),
      400,
      "MALFORMED_REQUEST",
    ],
    ["an unknown method", request("BREW / HTTP/1.1", host), 400, "MALFORMED_REQUEST"],
    [
      "a chunk without a size",
      `${request("POST /trpc/auth.login HTTP/1.1", host, "content-type: application/json", "transfer-encoding: chunked")}zz\r\n`,
      400,
      "MALFORMED_REQUEST",
    ],
    [
      "a chunk whose extensions are too long",
      `${request("POST /trpc/auth.login HTTP/1.1", host, "content-type: application/json", "transfer-encoding: chunked")}1;${"a".repeat(20_000)}\r\n`,
      413,
      "PAYLOAD_TOO_LARGE",
    ],
  ])("is answered in the contract's shape: %s", async (_, bytes, status, code) => {
    expectRefusal(await send(bytes), status, code);
  });

  it("closes the connection without a response in the middle of another response", async () => {
    const { accessToken } = await server.domain.signIn.withPassword(typed(john.username, john.password));
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
    let answer = "";
    socket.on("error", () => {});
    socket.write(`GET /trpc/session.events HTTP/1.1\r\n${host}\r\nauthorization: Bearer ${accessToken}\r\n\r\n`);
    for await (const chunk of socket) {
      const before = answer;
      answer += String(chunk);
      // The stream is open: later bytes are not a request.
      if (!before.includes("watching") && answer.includes("watching")) socket.write("hello\r\n\r\n");
    }
    expect(answer).toContain("200 OK");
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
  });
});

describe("the Host header", () => {
  const targets = [
    "/trpc/user.me",
    "/trpc/session.events",
    "/users/me",
    "/token",
    "/authorize?client_id=x",
    "/login/x",
    "/docs",
    "/sign-in",
    "/healthz",
    "/.well-known/openid-configuration",
  ];
  it.each(targets)("is one valid name, or the response is 400: %s", async (target) => {
    const line = `GET ${target} HTTP/1.1`;
    for (const headers of [
      [host, "host: other"],
      [host, host],
      [],
      ["host:"],
      ["host: a@b"],
      ["host: a b"],
      ["host: a/b"],
      ["host: [::1"],
      ["host: a:99999"],
      ["host: %00"],
      ["host: é"],
    ])
      expectRefusal(await send(request(line, ...headers)), 400, "MALFORMED_REQUEST");
    // A refused stream keeps its connection open.
    if (target === "/trpc/session.events") return;
    for (const headers of [[host], ["host: [::1]:3000"], ["host: EXAMPLE.com:80"]])
      expect((await send(request(line, ...headers))).body).not.toContain('"MALFORMED_REQUEST"');
  });

  it("can be missing in HTTP/1.0, as in some health checks", async () => {
    expect((await send(request("GET /healthz HTTP/1.0"))).status).toBe(200);
  });
});

describe("TRACE", () => {
  it.each(["/trpc/user.me", "/trpc/nothing", "/trpc/user.me?batch=1"])("is refused by %s with 405", async (target) => {
    expectRefusal(await send(request(`TRACE ${target} HTTP/1.1`, host)), 405, "METHOD_NOT_ALLOWED");
  });
});

describe("any request", () => {
  it("is never answered with 500", async () => {
    const target = fc.oneof(
      fc.constantFrom(
        "*",
        "/%",
        "/%ff%00",
        "//a//b",
        "/trpc/%",
        "/trpc/user.me?input=%",
        "/..%2f..",
        "http://a/healthz",
      ),
      fc.constantFrom(
        "http://a:b@c/token",
        "/trpc/__proto__",
        "/authorize?%",
        "/token?%",
        "/login/%E0%A4%A",
        "/docs/%2e",
      ),
      fc.string({ maxLength: 30 }).map((path) => `/${path.replaceAll(/[^!-~]/g, "%")}`),
    );
    const method = fc.constantFrom("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "QUERY");
    const header = fc.constantFrom(
      "expect: 100-continue",
      "expect: what",
      "upgrade: websocket",
      "connection: upgrade",
      "transfer-encoding: chunked",
      "transfer-encoding: gzip, chunked",
      "content-length: 0",
      "content-type: application/json",
      "content-type: ;",
      "cookie: a=%; =; __Host-refresh=%",
      "authorization: Bearer",
      "origin: null",
      "range: bytes=-1,5-",
      "if-none-match: *",
      "accept-encoding: br;q=x",
    );
    await fc.assert(
      fc.asyncProperty(method, target, fc.uniqueArray(header, { maxLength: 3 }), async (verb, path, headers) => {
        const { status, body } = await send(`${request(`${verb} ${path} HTTP/1.1`, host, ...headers)}0\r\n\r\n`);
        expect(status === 500 ? body : "").toBe("");
      }),
      { numRuns: 150, interruptAfterTimeLimit: 15_000 },
    );
  });
});
