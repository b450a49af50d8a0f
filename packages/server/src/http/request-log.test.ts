import { describe, expect, it } from "vitest";
import { startAuthorizationServer } from "../authorization-server/testing.ts";
import type { Config } from "../config.ts";

const start = async (settings: Partial<Config> = {}, level = "trace") => {
  const lines: string[] = [];
  const server = await startAuthorizationServer({
    config: { logRequests: true, ...settings },
    logger: { level, stream: { write: (text) => void lines.push(...text.split("\n").filter(Boolean)) } },
  });
  const requests = () =>
    lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ msg }) => msg === "request");
  return { server, lines, requests };
};

describe("the log of requests", () => {
  it("has one line for each answer, with the route, the operations and the request ID", async () => {
    const { server, requests } = await start();
    const { headers } = await server.app.inject("/trpc/user.me,auth.methods,no.such?batch=1");
    await server.app.inject("/users/me?a=secret");
    await server.app.inject("/nothing/at/all");
    // No line is lost at the end.
    await server.close();
    expect(requests()).toMatchObject([
      {
        level: 30,
        reqId: headers["x-request-id"],
        method: "GET",
        route: "/trpc/:path",
        operations: ["user.me", "auth.methods"],
        status: 207,
        durationMs: expect.any(Number),
        address: "127.0.0.1",
      },
      { route: "/users/me", status: 401 },
      { status: 404 },
    ]);
    expect(JSON.stringify(requests())).not.toMatch(/no\.such|secret|nothing/);
  });

  it("is off by default", async () => {
    const { server, requests } = await start({ logRequests: false });
    await server.app.inject("/users/me");
    await server.close();
    expect(requests()).toEqual([]);
  });

  it("is off above its level", async () => {
    const { server, requests } = await start({}, "warn");
    await server.app.inject("/users/me");
    await server.close();
    expect(requests()).toEqual([]);
  });

  it("has the properties of every other entry, and writes the lines of one moment together", async () => {
    const texts: string[] = [];
    const server = await startAuthorizationServer({
      config: { logRequests: true },
      logger: { level: "info", stream: { write: (text) => void texts.push(text) } },
    });
    server.app.log.info("another entry");
    await Promise.all(
      ["/users/me", "/nothing", "/healthz"].map((url) => server.app.inject({ url, remoteAddress: "192.0.2.1" })),
    );
    await server.close();
    const own = texts.filter((text) => text.includes('"msg":"request"'));
    expect(own).toHaveLength(1);
    const entries = texts.flatMap((text) => text.trimEnd().split("\n")).map((line) => JSON.parse(line));
    const other = entries.find(({ msg }) => msg === "another entry");
    const requests = entries.filter(({ msg }) => msg === "request");
    expect(requests.map(({ route }) => route).sort()).toEqual(["/healthz", "/users/me", null]);
    for (const entry of requests) {
      expect(entry).toMatchObject({ level: 30, pid: other.pid, hostname: other.hostname, address: "192.0.2.1" });
      expect(Math.abs(entry.time - other.time)).toBeLessThan(60_000);
      expect(entry).not.toHaveProperty("trace_id");
    }
  });
});
