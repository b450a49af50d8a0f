// What `errorOf` reads from the failures of a complete server, and of other programs in its place.

import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { createClient, errorOf } from "@lockstep/client";
import { john, startTestServer } from "@lockstep/server/testing";
import { safe, TRPCClientError } from "@trpc/client";
import { describe, expect, it } from "vitest";

const credentials = { username: john.username, password: john.password };

/** A server that is not ours. */
const startOther = async (answer: RequestListener) => {
  const other = createServer(answer).listen(0, "127.0.0.1");
  await once(other, "listening");
  return {
    url: `http://127.0.0.1:${(other.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      other.closeAllConnections();
      other.close();
      await once(other, "close");
    },
  };
};

describe("errorOf", () => {
  it("reads an error that the operation declares; its message is the server's", async () => {
    await using server = await startTestServer();
    const client = createClient({ url: server.url });

    const [, thrown] = await safe(client.auth.login.mutate({ ...credentials, password: "wrong" }));
    expect(thrown?.message).toBe("The username or the password is wrong.");
    expect(errorOf("auth.login", thrown)).toEqual({
      code: "INVALID_CREDENTIALS",
      details: {},
      httpStatus: 401,
      path: "auth.login",
      requestId: expect.stringMatching(/./),
    });
  });

  it("reads the challenge of a call without a token", async () => {
    await using server = await startTestServer();
    const [, thrown] = await safe(createClient({ url: server.url }).user.me.query());
    expect(errorOf("user.me", thrown)).toMatchObject({ code: "UNAUTHENTICATED", wwwAuthenticate: "Bearer" });
  });

  it("reads which field of an input is invalid", async () => {
    await using server = await startTestServer();
    const client = createClient({ url: server.url });
    await client.auth.login.mutate(credentials);

    const [, thrown] = await safe(client.user.update.mutate({ fullName: " " }));
    const error = errorOf("user.update", thrown);
    if (error?.code !== "INVALID_INPUT") throw thrown;
    expect(error.details.issues).toEqual([{ path: ["fullName"], message: "Enter your name" }]);
  });

  it("reads the same as tRPC's own `safe`", async () => {
    await using server = await startTestServer();
    const [me, error] = await safe(createClient({ url: server.url }).user.me.query());
    expect(me).toBeUndefined();
    expect(error?.data).toEqual(errorOf("user.me", error));
  });

  it("returns null for the error of another operation", async () => {
    await using server = await startTestServer();
    const [, thrown] = await safe(createClient({ url: server.url }).user.me.query());
    expect(errorOf("user.update", thrown)).toBeNull();
  });

  it.each([undefined, null, "INVALID_TOKEN", new TypeError("a bug"), { data: { code: "INVALID_TOKEN", details: {} } }])(
    "returns null for a value that is not the error of a call: %s",
    (thrown) => {
      expect(errorOf("user.me", thrown)).toBeNull();
    },
  );

  it("reads an error of the whole request, which names no operation", async () => {
    await using server = await startTestServer();
    const client = createClient({ url: server.url });
    const [, thrown] = await safe(client.auth.login.mutate({ ...credentials, password: "x".repeat(200_000) }));
    expect(errorOf("auth.login", thrown)?.code).toBe("PAYLOAD_TOO_LARGE");
  });
});

describe("UNREACHABLE is read", () => {
  const unreachable = { code: "UNREACHABLE", details: {} };

  it("when no server is there", async () => {
    const { url, close } = await startTestServer();
    await close();
    const [, thrown] = await safe(createClient({ url }).user.me.query());
    expect(errorOf("user.me", thrown)).toEqual(unreachable);
    expect(thrown).toBeInstanceOf(TRPCClientError);
    expect(thrown?.cause).toBeInstanceOf(Error);
  });

  it.each<[string, RequestListener]>([
    ["a page", (_, response) => response.setHeader("content-type", "text/html").end("<!doctype html><p>Welcome")],
    ["a gateway's page", (_, response) => response.writeHead(502, { "content-type": "text/html" }).end("<h1>502</h1>")],
    ["an empty answer", (_, response) => response.end()],
    ["a connection that is cut", (request) => request.socket.destroy()],
    ["JSON of another kind", (_, response) => response.end('{"status":"ok"}')],
    ["too few answers", (_, response) => response.end("[]")],
    ["null", (_, response) => response.end("null")],
    ["a gateway's JSON error", (_, response) => response.writeHead(504).end('{"error":{"code":504,"message":"late"}}')],
    [
      "another tRPC server's error",
      (_, response) =>
        response
          .writeHead(404)
          .end(
            '[{"error":{"message":"No","code":-32004,"data":{"code":"NOT_FOUND","httpStatus":404,"path":"user.me"}}}]',
          ),
    ],
  ])("when something else answers: %s", async (_name, answer) => {
    await using other = await startOther(answer);
    const [, thrown] = await safe(createClient({ url: other.url }).user.me.query());
    expect(errorOf("user.me", thrown)).toEqual(unreachable);
  });

  it("when the caller aborted", async () => {
    const arrived = Promise.withResolvers<void>();
    await using silent = await startOther(() => arrived.resolve());
    const abort = new AbortController();
    const answer = safe(createClient({ url: silent.url }).user.me.query(undefined, { signal: abort.signal }));
    await arrived.promise;
    abort.abort();

    const [, thrown] = await answer;
    expect(errorOf("user.me", thrown)).toEqual(unreachable);
    expect(thrown?.cause?.name).toBe("AbortError");
  });
});
