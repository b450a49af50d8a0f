import { sql } from "kysely";
import * as client from "openid-client";
import { afterEach, describe, expect, it, vi } from "vitest";
import { engines } from "../../test/engines.ts";
import { testSource } from "../testing.ts";
import {
  basic,
  callWith,
  connect,
  post,
  refusalOf,
  registerClient,
  type Server,
  signedInBrowser,
  startOn,
} from "./testing.ts";

afterEach(() => {
  vi.useRealTimers();
});

/** A client with a grant and all its tokens. */
const connected = async (server: Server, kind: "web" | "browser" = "browser") => {
  const app = await registerClient(server, { kind });
  const browser = await signedInBrowser(server);
  const tokens = await connect(browser, app.config);
  const refresh = (token: string | undefined, parameters?: Record<string, string>) =>
    client.refreshTokenGrant(app.config, token ?? "", parameters);
  return { ...app, browser, tokens, refresh };
};

describe.each(engines)("a refresh token on $engine", ({ newDatabase }) => {
  const start = () => startOn(newDatabase, { now: () => Date.now() });

  it("[S22] is replaced with each use, and its successor works", async () => {
    await using server = await start();
    const { tokens, refresh } = await connected(server);
    const second = await refresh(tokens.refresh_token);
    const third = await refresh(second.refresh_token);
    expect(new Set([tokens.refresh_token, second.refresh_token, third.refresh_token]).size).toBe(3);
    expect((await callWith(server, "/users/me", third.access_token)).status).toBe(200);
  });

  it("[S23] gets its successor within the grace window, and afterwards revokes the whole family", async () => {
    await using server = await start();
    const { tokens, refresh } = await connected(server);
    vi.useFakeTimers({ toFake: ["Date"] });
    const next = await refresh(tokens.refresh_token);
    vi.setSystemTime(Date.now() + 9000);
    expect((await refresh(tokens.refresh_token)).refresh_token).toBe(next.refresh_token);

    vi.setSystemTime(Date.now() + 2000);
    expect(await refusalOf(refresh(tokens.refresh_token))).toBe("invalid_grant");
    expect(await refusalOf(refresh(next.refresh_token))).toBe("invalid_grant");
    expect((await callWith(server, "/users/me", next.access_token)).status).toBe(401);
    const { entries } = { entries: await server.db.selectFrom("audit_log").selectAll().execute() };
    expect(entries.map(({ action }) => action)).toContain("grant.reuse");
  });

  it("[S24] gets the newest token when its successor was replaced as well", async () => {
    await using server = await start();
    const { tokens, refresh } = await connected(server);
    vi.useFakeTimers({ toFake: ["Date"] });
    const second = await refresh(tokens.refresh_token);
    const third = await refresh(second.refresh_token);
    const late = await refresh(tokens.refresh_token);
    expect(late.refresh_token).toBe(third.refresh_token);
    vi.setSystemTime(Date.now() + 3600_000);
    expect(await refusalOf(refresh(late.refresh_token))).toBeNull();
  });

  it("is refused after too many replacements, without revoking anything", async () => {
    await using server = await start();
    const { tokens, refresh } = await connected(server);
    vi.useFakeTimers({ toFake: ["Date"] });
    const line = [tokens.refresh_token];
    for (let replaced = 0; replaced < 17; replaced++) line.push((await refresh(line.at(-1))).refresh_token);
    expect(await refusalOf(refresh(line[0]))).toBe("invalid_grant");
    expect((await refresh(line[1])).refresh_token).toBe(line.at(-1));
    expect(await refusalOf(refresh(line.at(-1)))).toBeNull();
  });

  it("[S23] [S8] is not revoked by another client's attempt", async () => {
    await using server = await start();
    const { tokens, refresh } = await connected(server);
    const other = await registerClient(server);
    const theirs = { grant_type: "refresh_token", refresh_token: tokens.refresh_token ?? "" };
    expect(await post(server, "/token", theirs, basic(other.id, other.secret))).toMatchObject({
      body: { error: "invalid_grant" },
    });
    const next = await refresh(tokens.refresh_token);
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 60_000);
    expect(await post(server, "/token", theirs, basic(other.id, other.secret))).toMatchObject({
      body: { error: "invalid_grant" },
    });
    expect(await refusalOf(refresh(next.refresh_token))).toBeNull();
  });

  it("[S24] gives one successor to a hundred concurrent redemptions, and nobody is signed out", async () => {
    await using server = await start();
    const { tokens, refresh } = await connected(server);
    // Long enough for all of them on a slow machine.
    vi.useFakeTimers({ toFake: ["Date"] });
    let current = tokens.refresh_token;
    for (let round = 0; round < 2; round++) {
      const answers = await Promise.all(Array.from({ length: 100 }, () => refresh(current)));
      const successors = new Set(answers.map(({ refresh_token }) => refresh_token));
      expect(successors.size).toBe(1);
      [current] = successors;
      expect((await callWith(server, "/users/me", answers[99]?.access_token ?? "")).status).toBe(200);
    }
    expect(await refusalOf(refresh(current))).toBeNull();
  });

  it("[S29] is revoked with its grant, also during a redemption", async () => {
    await using server = await start();
    for (let round = 0; round < 5; round++) {
      const { id, tokens, refresh, browser } = await connected(server);
      const refreshing = Array.from({ length: 8 }, () => refresh(tokens.refresh_token).catch(() => null));
      const [revoked, ...answers] = await Promise.all([browser.rpc("grant.revoke", { clientId: id }), ...refreshing]);
      expect(revoked.status).toBe(200);
      for (const answer of answers) {
        if (!answer) continue;
        expect((await callWith(server, "/users/me", answer.access_token)).status).toBe(401);
        expect(await refusalOf(refresh(answer.refresh_token))).toBe("invalid_grant");
      }
      expect(await refusalOf(refresh(tokens.refresh_token))).toBe("invalid_grant");
      expect((await callWith(server, "/users/me", tokens.access_token)).status).toBe(401);
    }
  });

  it("[S25] gets the granted scopes or fewer, never more", async () => {
    await using server = await start();
    const { tokens, refresh } = await connected(server);
    const less = await refresh(tokens.refresh_token, { scope: "openid" });
    expect(less.scope).toBe("openid");
    expect((await callWith(server, "/users/me", less.access_token)).code).toBe("INSUFFICIENT_SCOPE");
    // A narrower refresh does not narrow the grant (RFC 6749 §6).
    const again = await refresh(less.refresh_token);
    expect(again.scope).toBe("openid profile profile:read");
    expect(await refusalOf(refresh(again.refresh_token, { scope: "openid photos:read" }))).toBe("invalid_scope");
    expect(await refusalOf(refresh(again.refresh_token, { scope: "profile:write" }))).toBe("invalid_scope");
    expect(await refusalOf(refresh(again.refresh_token, { resource: "https://other.example" }))).toBe("invalid_target");
    expect(await refusalOf(refresh(again.refresh_token))).toBeNull();
  });

  it("[S26] expires when it is not used, and at the latest after the grant's lifetime", async () => {
    await using server = await start();
    const idle = await connected(server);
    const busy = await connected(server);
    vi.useFakeTimers({ toFake: ["Date"] });
    const day = 24 * 3600 * 1000;
    let current = busy.tokens.refresh_token;
    for (let week = 0; week < 4; week++) {
      vi.setSystemTime(Date.now() + 6 * day);
      current = (await busy.refresh(current)).refresh_token;
    }
    expect(await refusalOf(idle.refresh(idle.tokens.refresh_token))).toBe("invalid_grant");
    vi.setSystemTime(Date.now() + 5.9 * day);
    current = (await busy.refresh(current)).refresh_token;
    vi.setSystemTime(Date.now() + 0.2 * day);
    expect(await refusalOf(busy.refresh(current))).toBe("invalid_grant");
  });

  it("[S27] is revoked when the account is disabled, and when the client is deleted", async () => {
    await using server = await start();
    const { id, tokens, refresh } = await connected(server);
    const other = await connected(server);
    await server.domain.clients.delete(id, "operator", testSource);
    expect(await refusalOf(refresh(tokens.refresh_token))).toBe("invalid_client");
    const john = (await server.domain.users.findByLogin("john"))?.user.id ?? "";
    await server.domain.accounts.disable(john, testSource);
    expect(await refusalOf(other.refresh(other.tokens.refresh_token))).toBe("invalid_grant");
  });

  it("of a first-party client is refused for third-party clients, and the other way round", async () => {
    await using server = await start();
    const { tokens, refresh } = await connected(server);
    const own = await post(server, "/token", { username: "john", password: "secret" });
    expect(await refusalOf(refresh(String(own.body["refresh_token"])))).toBe("invalid_grant");
    const theirs = { grant_type: "refresh_token", refresh_token: tokens.refresh_token ?? "" };
    expect(await post(server, "/token", theirs)).toMatchObject({ status: 400, body: { error: "invalid_grant" } });
    expect(await refusalOf(refresh(tokens.refresh_token))).toBeNull();
  });
});

it("[S29] refuses a refresh when the grant is revoked while it is running", async () => {
  await using server = await startOn(engines[0].newDatabase);
  const { tokens, refresh } = await connected(server);
  // During the refresh: after the successor is written, before the access token is.
  await sql`create trigger revocation after insert on oauth_records when new.kind = 'RefreshToken'
    begin delete from grants; end`.execute(server.db);
  expect(await refusalOf(refresh(tokens.refresh_token))).toBe("invalid_grant");
});
