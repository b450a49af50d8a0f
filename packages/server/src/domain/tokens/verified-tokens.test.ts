import { describe, expect, it } from "vitest";
import { engines } from "../../../test/engines.ts";
import { startTestServer, type TestServerOptions, testClock, testSource, typed } from "../../testing.ts";
import { accessTokenLifetimeSeconds } from "./tokens.ts";
import { createVerifiedTokens } from "./verified-tokens.ts";

/** A server with john signed in, and a cache that counts verifications. */
const start = async (databaseUrl: TestServerOptions = {}) => {
  const clock = testClock();
  const server = await startTestServer({ ...databaseUrl, now: clock.now });
  const { domain } = server;
  const signIn = () => domain.signIn.withPassword(typed("john", "secret"));
  const verified: string[] = [];
  const remembering = (limit?: number) =>
    createVerifiedTokens({
      tokens: {
        verify: (token) => {
          verified.push(token);
          return domain.tokens.verify(token);
        },
      },
      keyring: domain.keyring,
      now: clock.now,
      ...(limit !== undefined && { limit }),
    });
  const me = async (token: string) => {
    const { statusCode, headers } = await server.app.inject({
      url: "/trpc/user.me",
      headers: { authorization: `Bearer ${token}` },
    });
    return [statusCode, headers["www-authenticate"]];
  };
  return { ...server, clock, signIn, verified, remembering, me };
};

const refused = [401, expect.stringContaining('error="invalid_token"')];

describe("a verified token", () => {
  it("is not verified again, and has the same claims", async () => {
    await using server = await start();
    const { accessToken, user, session } = await server.signIn();
    const memory = server.remembering();
    const first = await memory.verify(accessToken);
    expect(first).toMatchObject({ userId: user.id, sessionId: session.id, clientId: "first-party" });
    expect(await memory.verify(accessToken)).toEqual(first);
    expect(server.verified).toHaveLength(1);
  });

  it("[S46] is verified again after its expiry, and refused", async () => {
    await using server = await start();
    const { accessToken } = await server.signIn();
    const memory = server.remembering();
    await memory.verify(accessToken);
    server.clock.advanceSeconds(accessTokenLifetimeSeconds - 1);
    await memory.verify(accessToken);
    expect(server.verified).toHaveLength(1);
    // Only the verifier applies the leeway for clocks; the cache does not.
    server.clock.advanceSeconds(2);
    expect(await memory.verify(accessToken)).not.toBeNull();
    expect(await memory.verify(accessToken)).not.toBeNull();
    expect(server.verified).toHaveLength(3);
    server.clock.advanceSeconds(10);
    expect(await memory.verify(accessToken)).toBeNull();
  });

  it("is dropped from the cache when there are too many", async () => {
    await using server = await start();
    const tokens = [(await server.signIn()).accessToken, (await server.signIn()).accessToken] as const;
    const memory = server.remembering(1);
    for (const token of [...tokens, ...tokens]) expect(await memory.verify(token)).not.toBeNull();
    expect(server.verified).toEqual([...tokens, ...tokens]);
  });

  it("[S37] does not make a token valid that differs in a character, and refusals are not cached", async () => {
    await using server = await start();
    const { accessToken } = await server.signIn();
    const memory = server.remembering();
    await memory.verify(accessToken);
    const forged = accessToken.replace(/.(?=.{20}$)/, (character) => (character === "A" ? "B" : "A"));
    expect(await memory.verify(forged)).toBeNull();
    expect(await memory.verify(forged)).toBeNull();
    expect(server.verified).toEqual([accessToken, forged, forged]);
  });
});

describe.each(engines)("a token that was just verified, on $engine", ({ newDatabase }) => {
  const open = async () => {
    const database = await newDatabase("migrated");
    const server = await start({ databaseUrl: database.url });
    const signedIn = await server.signIn();
    expect(await server.me(signedIn.accessToken)).toEqual([200, undefined]);
    return {
      ...server,
      ...signedIn,
      async [Symbol.asyncDispose]() {
        await server.close();
        await database.drop();
      },
    };
  };

  it("[S37] [S50] is refused at the next call after its key was retired", async () => {
    await using server = await open();
    const { keyring } = server.domain;
    await keyring.retire(keyring.signing().id, testSource);
    expect(await server.me(server.accessToken)).toEqual(refused);
  });

  it("[S37] [S50] is refused once its server knows that another one retired its key", async () => {
    await using server = await open();
    const { keyring } = server.domain;
    await server.db
      .updateTable("signing_keys")
      .set({ retired_at: server.clock.now() })
      .where("id", "=", keyring.signing().id)
      .execute();
    // As the server does every few seconds.
    await keyring.maintain();
    expect(await server.me(server.accessToken)).toEqual(refused);
  });

  it("[S50] is valid while its key verifies, and refused afterwards", async () => {
    await using server = await open();
    const { keyring } = server.domain;
    await keyring.rotate(testSource);
    server.clock.advanceSeconds(6 * 60);
    expect(await server.me(server.accessToken)).toEqual([200, undefined]);
  });

  it("[S37] [S79] is refused at the next call after its session ended", async () => {
    await using server = await open();
    await server.domain.sessions.end(server.user.id, server.session.id, "signed_out", testSource);
    expect(await server.me(server.accessToken)).toEqual(refused);
  });

  it("[S37] [S80] is refused at the next call after its user was disabled", async () => {
    await using server = await open();
    await server.domain.users.setDisabled(server.user.id, true);
    expect(await server.me(server.accessToken)).toEqual(refused);
  });

  it("[S54] returns the user as they are now", async () => {
    await using server = await open();
    await server.db.updateTable("users").set({ role: "admin", full_name: "John Changed" }).execute();
    const principal = await server.domain.guard.authenticate({ kind: "bearer", token: server.accessToken });
    expect(principal).toMatchObject({ user: { role: "admin", fullName: "John Changed" } });
  });
});
