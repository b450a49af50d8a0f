import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { operationsOf } from "@lockstep/kit";
import type { FastifyInstance } from "fastify";
import { describe, expect, it } from "vitest";
import { engines } from "../../test/engines.ts";
import { auditActions } from "../domain/kernel/audit.ts";
import { fixtureContract } from "../fixture-app.ts";
import { StartError } from "../start-error.ts";
import { john, startTestServer, type TestServerOptions } from "../testing.ts";

const token = "a-token-of-tests-with-at-least-thirty-two-characters";

const start = (options: TestServerOptions = {}) =>
  startTestServer({ ...options, config: { metrics: { token, listen: null }, ...options.config } });

type Server = Awaited<ReturnType<typeof start>>;

const read = async ({ app }: Server, authorization = `Bearer ${token}`) =>
  app.inject({ url: "/metrics", headers: { authorization } });

/** The value of a series. `null`: it does not exist. */
const figure = async (server: Server, series: string): Promise<number | null> => {
  const { body } = await read(server);
  const line = body.split("\n").find((each) => each.startsWith(`${series} `));
  return line === undefined ? null : Number(line.slice(series.length));
};

const call = (server: Server, path: string, input: object, headers: Record<string, string> = {}) =>
  server.app.inject({
    method: "POST",
    url: `/trpc/${path}`,
    headers: { "content-type": "application/json", ...headers },
    payload: JSON.stringify(input),
  });

const signIn = async (server: Server): Promise<{ accessToken: string; refreshToken: string }> =>
  (await call(server, "auth.login", { username: john.username, password: john.password })).json().result.data;

describe("metrics", () => {
  it("[S117] are not there by default, and elsewhere only for who knows the token", async () => {
    await using closed = await startTestServer();
    expect((await closed.app.inject("/metrics")).statusCode).toBe(404);
    await using server = await start();
    for (const authorization of ["", `Bearer ${token}x`, "Bearer", `Basic ${token}`, token.slice(1)]) {
      const { statusCode, headers, body } = await read(server, authorization);
      expect({ authorization, statusCode, challenge: headers["www-authenticate"] }).toEqual({
        authorization,
        statusCode: 401,
        challenge: "Bearer",
      });
      expect(body).not.toContain("lockstep_");
    }
    const { statusCode, headers, body } = await read(server, `bearer ${token}`);
    expect(statusCode).toBe(200);
    expect(headers["content-type"]).toContain("text/plain; version=0.0.4");
    expect(body).toContain("# TYPE lockstep_calls_total counter");
    expect(body).toContain("nodejs_eventloop_lag_p99_seconds");
  });

  it("have a port of their own, which only this machine reaches", async () => {
    await using server = await startTestServer({
      config: { metrics: { token: null, listen: { host: "127.0.0.1", port: 0 } } },
    });
    expect((await server.app.inject("/metrics")).statusCode).toBe(404);
    const { port } = (server.metricsApp as FastifyInstance).server.address() as AddressInfo;
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain("lockstep_calls_total");
  });

  it("whose port is in use stop the start with a sentence", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const starting = startTestServer({ config: { metrics: { token: null, listen: { host: "127.0.0.1", port } } } });
    await expect(starting).rejects.toThrow(
      new StartError(`METRICS_PORT: 127.0.0.1:${port} cannot be used (EADDRINUSE). Choose another port.`),
    );
    other.close();
  });

  it("count calls of every transport by operation and code, and how long they took", async () => {
    await using server = await start();
    const { accessToken } = await signIn(server);
    await call(server, "auth.login", { username: john.username, password: "wrong" });
    await server.app.inject("/trpc/user.me");
    const headers = { authorization: `Bearer ${accessToken}` };
    await server.app.inject({ url: "/trpc/user.me,user.me?batch=1", headers });
    await server.app.inject({ url: "/users/me", headers });
    const values = async (...series: string[]) => Promise.all(series.map((each) => figure(server, each)));
    expect(
      await values(
        'lockstep_calls_total{operation="auth.login",code="OK"}',
        'lockstep_calls_total{operation="auth.login",code="INVALID_CREDENTIALS"}',
        'lockstep_calls_total{operation="user.me",code="UNAUTHENTICATED"}',
        'lockstep_calls_total{operation="user.me",code="OK"}',
        'lockstep_call_duration_seconds_count{operation="user.me"}',
        'lockstep_call_duration_seconds_bucket{le="+Inf",operation="auth.login"}',
      ),
    ).toEqual([1, 1, 1, 3, 4, 2]);
    expect(
      await values(
        'lockstep_audit_entries_total{action="sign_in",outcome="done"}',
        'lockstep_audit_entries_total{action="sign_in",outcome="refused"}',
      ),
    ).toEqual([1, 1]);
  });

  it("count open subscriptions", async () => {
    await using server = await start();
    const { accessToken } = await signIn(server);
    const open = 'lockstep_streams{operation="session.events"}';
    expect(await figure(server, open)).toBe(0);
    const leaving = new AbortController();
    const answer = await fetch(`${server.url}/trpc/session.events`, {
      headers: { accept: "text/event-stream", authorization: `Bearer ${accessToken}` },
      signal: leaving.signal,
    });
    const reader = answer.body?.getReader();
    let text = "";
    while (!text.includes("watching")) text += new TextDecoder().decode((await reader?.read())?.value);
    expect(await figure(server, open)).toBe(1);
    leaving.abort();
    while ((await figure(server, open)) !== 0) await new Promise(setImmediate);
    expect(await figure(server, 'lockstep_calls_total{operation="session.events",code="OK"}')).toBe(1);
  });

  it("[S117] have a closed set of labels, whatever callers send", async () => {
    await using server = await start();
    const names = [...operationsOf(fixtureContract.operations)].map(([path]) => path);
    await signIn(server);
    await call(server, "no.such", {});
    await call(server, "auth.login%0Ax", {});
    await call(server, 'auth.login"} 1', { username: '"} 1\n', password: "x" });
    await server.app.inject({ url: "/nothing?a=1", headers: { "user-agent": '"} 1' } });
    const { body } = await read(server);
    const labels = [...body.matchAll(/^lockstep_\w+\{(.*)\} /gm)].flatMap(([, list = ""]) => list.split(","));
    const known: Record<string, (value: string) => boolean> = {
      operation: (value) => names.includes(value),
      code: (value) => /^[A-Z_]+$/.test(value),
      action: (value) => (auditActions as readonly string[]).includes(value) || value === "app",
      outcome: (value) => ["done", "refused", "sent", "delayed", "given_up"].includes(value),
      state: (value) => ["running", "waiting", "total", "idle"].includes(value),
      le: (value) => value === "+Inf" || Number(value) > 0,
    };
    const strange = labels.filter((label) => {
      const [, name = "", value = ""] = /^(\w+)="(.*)"$/.exec(label) ?? [];
      return !known[name]?.(value);
    });
    expect(labels.length).toBeGreaterThan(10);
    expect(strange).toEqual([]);
  });
});

describe.each(engines)("metrics on $engine", ({ engine: name, newDatabase }) => {
  it("tell the queues and the connections, and do without a database that does not answer", async () => {
    const database = await newDatabase();
    {
      await using server = await start({ databaseUrl: database.url });
      expect(await figure(server, 'lockstep_hashing{state="waiting"}')).toBe(0);
      const total = await figure(server, 'lockstep_database_connections{state="total"}');
      if (name === "PostgreSQL") expect(total).toBeGreaterThan(0);
      else expect(total).toBeNull();
      expect(await figure(server, "lockstep_mails_waiting")).toBe(0);
      await call(server, "account.recover", { login: john.username });
      expect(await figure(server, "lockstep_mails_waiting")).toBe(1);
      await server.db.destroy();
      expect(await figure(server, "lockstep_mails_waiting")).toBeNaN();
    }
    await database.drop();
  });
});
