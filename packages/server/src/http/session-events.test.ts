import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { engine } from "@lockstep/kit";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, inject, it, vi } from "vitest";
import { callsTo } from "../../test/calls.ts";
import { startCompressingProxy } from "../../test/compressing-proxy.ts";
import { engines } from "../../test/engines.ts";
import { openStream } from "../../test/event-stream.ts";
import { openAdmin } from "../admin/testing.ts";
import { grantedToken, john, startTestServer, type TestServer, testSource, typed } from "../testing.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const signIn = (from = server) => from.domain.signIn.withPassword(typed(john.username, john.password));
const streamUrl = (from = server) => `${from.url}/trpc/session.events`;
const watch = async (accessToken: string, from = server) => {
  const stream = await openStream(streamUrl(from), { authorization: `Bearer ${accessToken}` });
  expect(await stream.next()).toMatchObject({ type: "connected" });
  expect(await stream.next()).toEqual({ type: "message", data: { type: "watching" } });
  return stream;
};

describe("the stream of a user's session events", () => {
  it("is server-sent events with Cache-Control: no-store, no-transform", async () => {
    const stream = await watch((await signIn()).accessToken);
    expect(stream.response.status).toBe(200);
    expect(stream.response.headers.get("content-type")).toContain("text/event-stream");
    expect(stream.response.headers.get("cache-control")).toBe("no-store, no-transform");
    stream.leave();
  });

  it("reaches a reader event by event through a proxy that compresses", async () => {
    await using proxy = await startCompressingProxy(server.url);
    const answer = await fetch(`${proxy.url}/trpc/auth.methods`);
    expect(answer.headers.get("content-encoding")).toBe("gzip");
    await answer.body?.cancel();

    const { accessToken, user } = await signIn();
    const stream = await openStream(`${proxy.url}/trpc/session.events`, { authorization: `Bearer ${accessToken}` });
    expect(stream.response.headers.get("content-encoding")).toBeNull();
    expect(await stream.next()).toMatchObject({ type: "connected" });
    expect(await stream.next()).toEqual({ type: "message", data: { type: "watching" } });
    server.domain.events.publish(user.id, { type: "password_changed" });
    expect((await stream.next())?.data).toEqual({ type: "password_changed" });
    stream.leave();
  });

  it("[S91] parses an event once for all streams", async () => {
    const { accessToken, user } = await signIn();
    const streams = [await watch(accessToken), await watch(accessToken), await watch(accessToken)];
    const parse = vi.spyOn(engine.session.events.output, "parse");
    server.domain.events.publish(user.id, { type: "password_changed" });
    for (const stream of streams) {
      expect((await stream.next())?.data).toEqual({ type: "password_changed" });
      stream.leave();
    }
    expect(parse).toHaveBeenCalledOnce();
    parse.mockRestore();
  });

  it("reports a sign-in elsewhere, without its tokens", async () => {
    const { accessToken } = await signIn();
    const stream = await watch(accessToken);
    const calls = callsTo(server.app);
    const { data } = await calls.mutate("auth.login", { username: "john", password: "secret" });
    const event = await stream.next();
    expect(event?.data).toMatchObject({ type: "signed_in", session: { id: data.sessionId, address: "127.0.0.1" } });
    expect(JSON.stringify(event)).not.toMatch(/seed|refreshToken|accessToken/);
    stream.leave();
  });

  it("[S73] reports a changed password", async () => {
    const mine = await signIn();
    const stream = await watch(mine.accessToken);
    await server.domain.passwordChange.byOwner(
      mine,
      { currentPassword: "secret", newPassword: "a heron stands in the shallow river" },
      testSource,
    );
    for (;;) {
      const event = await stream.next();
      if (event === null) throw new Error("The stream ended without the event");
      if ((event.data as { type: string }).type === "password_changed") break;
    }
    stream.leave();
    await server.domain.users.replacePasswordHash(mine.user.id, await server.domain.passwords.hash("secret"));
  });

  it.each(["signed_out", "revoked", "password_changed", "disabled", "reused"] as const)(
    "[S79] [S80] closes with the session, with the typed reason as its last event: %s",
    async (reason) => {
      const { accessToken, session, user } = await signIn();
      const stream = await watch(accessToken);
      await server.domain.sessions.end(user.id, session.id, reason, testSource);
      expect((await stream.next())?.data).toEqual({ type: "session_ended", sessionId: session.id, reason });
      const last = await stream.next();
      expect(last?.type).toBe("serialized-error");
      expect(last?.data).toMatchObject({
        data: { code: "SESSION_ENDED", details: { reason }, httpStatus: 401, path: "session.events" },
      });
      expect(await stream.next()).toBeNull();
    },
  );

  it("[S27] ends when another process on the same database ended the session", async () => {
    await using other = await startTestServer({ databaseUrl: server.config.databaseUrl });
    const { accessToken, session, user } = await signIn();
    const stream = await watch(accessToken, other);
    await server.domain.sessions.end(user.id, session.id, "revoked", testSource);
    expect((await stream.next())?.data).toEqual({ type: "session_ended", sessionId: session.id, reason: "revoked" });
    expect((await stream.next())?.type).toBe("serialized-error");
    expect(await stream.next()).toBeNull();
  });

  it("[S27] reports every change that another server or a command makes on the same PostgreSQL database", async () => {
    const admin = await openAdmin(engines[1].newDatabase);
    await admin.lockstep(["migrate"]);
    {
      await using here = await startTestServer({ databaseUrl: admin.url });
      await using other = await startTestServer({ databaseUrl: admin.url });
      const { accessToken, session, user } = await signIn(other);
      const stream = await watch(accessToken, other);
      // Until the other server listens, it hears nothing.
      await vi.waitFor(
        async () => {
          const { rows } = await sql`
            select 1 from pg_stat_activity
            where datname = current_database() and query like 'select id, payload from news%'`.execute(here.db);
          expect(rows).toHaveLength(2);
        },
        { timeout: inject("patienceMs") },
      );
      const signedIn = await signIn(here);
      expect((await stream.next())?.data).toMatchObject({ type: "signed_in", session: { id: signedIn.session.id } });
      here.domain.events.publish(user.id, { type: "password_changed" });
      expect((await stream.next())?.data).toEqual({ type: "password_changed" });
      const keys = () => other.domain.keyring.list().length;
      const before = keys();
      await here.domain.keyring.rotate(testSource);
      await vi.waitFor(() => expect(keys()).toBe(before + 1), { timeout: inject("patienceMs") });
      await admin.lockstep(["user", "sign-out", john.username]);
      const ends = [(await stream.next())?.data, (await stream.next())?.data];
      expect(ends).toContainEqual({ type: "session_ended", sessionId: session.id, reason: "revoked" });
    }
    await admin[Symbol.asyncDispose]();
  });

  /** A refused stream: its only event, and its end. */
  const refusal = async (query: string, headers: Record<string, string> = {}) => {
    const stream = await openStream(`${streamUrl()}${query}`, headers);
    // By tRPC's protocol the refusal is sent within the stream, since an `EventSource` shows scripts no status and no
    // body.
    expect(stream.response.status).toBe(200);
    expect((await stream.next())?.type).toBe("connected");
    const refused = await stream.next();
    expect(refused?.type).toBe("serialized-error");
    expect(await stream.next()).toBeNull();
    const { data } = (refused ?? {}) as { data?: { data: { code: string } } };
    return data?.data ?? { code: "nothing" };
  };

  it("reports nothing without a live session", async () => {
    const { accessToken, session, user } = await signIn();
    await server.domain.sessions.end(user.id, session.id, "signed_out", testSource);
    const ended = await refusal("", { authorization: `Bearer ${accessToken}` });
    expect(ended).toMatchObject({
      code: "INVALID_TOKEN",
      httpStatus: 401,
      wwwAuthenticate: expect.stringContaining('error="invalid_token"'),
    });
    expect(await refusal("")).toMatchObject({ code: "UNAUTHENTICATED", httpStatus: 401, wwwAuthenticate: "Bearer" });
  });

  it.each([
    ["straight to the connection", ""],
    ["by tRPC's own adapter", "?lastEventId=1"],
  ])("closes the connection after a refusal when the client asks for it: written %s", async (_, query) => {
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
    socket.write(`GET /trpc/session.events${query} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
    const answer = await text(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n.*^connection: close\r\n.*"UNAUTHENTICATED"/ims);
  });

  it("reports nothing to third-party clients, whatever their scopes", async () => {
    const { user } = await signIn();
    const { accessToken } = await grantedToken(server, user.id, server.domain.scopes.names);
    expect((await refusal("", { authorization: `Bearer ${accessToken}` })).code).toBe("FIRST_PARTY_ONLY");
  });

  it("[S40] accepts no token in the URL, under any name", async () => {
    const { accessToken } = await signIn();
    expect((await refusal(`?access_token=${accessToken}`)).code).toBe("AMBIGUOUS_TOKEN");
    const both = await refusal(`?access_token=${accessToken}`, { authorization: `Bearer ${accessToken}` });
    expect(both.code).toBe("AMBIGUOUS_TOKEN");
    const parameters = encodeURIComponent(
      JSON.stringify({ authorization: `Bearer ${accessToken}`, token: accessToken, access_token: accessToken }),
    );
    for (const query of [`?connectionParams=${parameters}`, `?token=${accessToken}`, `?authorization=${accessToken}`]) {
      expect({ query, code: (await refusal(query)).code }).toEqual({ query, code: "UNAUTHENTICATED" });
    }
  });

  it("[S91] refuses one stream too many of a session, with Retry-After", async () => {
    const { accessToken } = await signIn();
    const streams = await Promise.all(Array.from({ length: 20 }, () => watch(accessToken)));
    expect(await refusal("", { authorization: `Bearer ${accessToken}` })).toMatchObject({
      code: "TOO_MANY_STREAMS",
      httpStatus: 429,
      details: { limit: "session", max: 20, retryAfterSeconds: 30 },
    });
    for (const stream of streams) stream.leave();
  });

  it("ends without an error when the server closes, and does not delay it", async () => {
    const started = await startTestServer();
    const streams = await Promise.all(
      Array.from({ length: 5 }, async () => watch((await signIn(started)).accessToken, started)),
    );
    const closed = started.close();
    for (const stream of streams) {
      let last = await stream.next();
      for (let next = last; next !== null; next = await stream.next()) last = next;
      expect(last?.type).toBe("return");
    }
    await closed;
  });

  it("frees everything when its watcher disconnects", async () => {
    const { accessToken, session } = await signIn();
    const before = process.getActiveResourcesInfo().filter((each) => each === "Timeout").length;
    const streams = await Promise.all(Array.from({ length: 20 }, () => watch(accessToken)));
    for (const stream of streams) stream.leave();
    const after = () => process.getActiveResourcesInfo().filter((each) => each === "Timeout").length;
    await expect.poll(after).toBeLessThan(before + 20);
    expect(await server.domain.sessions.endReason(session.id)).toBeNull();
  });
});
