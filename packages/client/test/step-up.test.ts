// Calls that the server refuses until the user reauthenticates.

import { type ClientOptions, createClient, errorOf, memoryTokens, type StepUp, sessionOf } from "@lockstep/client";
import { john, startTestServer, testClock, totpCode } from "@lockstep/server/testing";
import { safe } from "@trpc/client";
import { describe, expect, it } from "vitest";
import { recorded } from "./requests.ts";

const credentials = { username: john.username, password: john.password };
const change = { currentPassword: john.password, newPassword: "a new one that nobody guesses" };
const wrongChange = { ...change, currentPassword: "not it" };

/** John's client. He signed in an hour ago, which is too long ago for changing the password. */
const signedInLongAgo = async (onStepUp?: ClientOptions["onStepUp"]) => {
  const clock = testClock();
  const server = await startTestServer({ now: clock.now });
  const network = recorded(globalThis.fetch);
  const client = createClient({
    url: server.url,
    fetch: network.fetch,
    now: clock.now,
    ...(onStepUp && { onStepUp }),
  });
  await client.auth.login.mutate(credentials);
  clock.advanceSeconds(3600);
  await client.user.me.query();
  network.requests.length = 0;
  return {
    server,
    client,
    clock,
    network,
    changes: () => network.requests.filter(({ url }) => url.pathname.endsWith("user.changePassword")).length,
    [Symbol.asyncDispose]: server.close,
  };
};

describe("a call that needs a fresh sign-in (RFC 9470)", () => {
  it("asks for reauthentication once, and is then repeated", async () => {
    const events: StepUp[] = [];
    await using long = await signedInLongAgo(async (event) => {
      events.push(event);
      await long.client.auth.login.mutate(credentials);
      return true;
    });
    await expect(long.client.user.changePassword.mutate(change)).resolves.toEqual({});
    expect(events).toEqual([{ maxAgeSeconds: 900, factors: 1, phishingResistant: false, path: "user.changePassword" }]);
    expect(long.changes()).toBe(2);
  });

  it("asks once for all calls that wait", async () => {
    let asked = 0;
    await using long = await signedInLongAgo(async () => {
      asked++;
      await long.client.auth.login.mutate(credentials);
      return true;
    });
    const answers = await Promise.all([1, 2, 3].map(() => safe(long.client.user.changePassword.mutate(wrongChange))));
    expect(answers.map(([, error]) => errorOf("user.changePassword", error)?.code)).toEqual(
      Array(3).fill("INVALID_CREDENTIALS"),
    );
    expect(asked).toBe(1);
    expect(long.changes()).toBe(6);
  });

  it("does not ask again for a call that was sent before the user answered", async () => {
    let asked = 0;
    await using long = await signedInLongAgo(async () => {
      asked++;
      await long.client.auth.login.mutate(credentials);
      return true;
    });
    const refused = Promise.withResolvers<null>();
    let first = true;
    long.network.hold = (path) => {
      if (!path.endsWith("user.changePassword") || !first) return null;
      first = false;
      return refused.promise;
    };
    const slow = long.client.user.changePassword.mutate(change);
    const [, error] = await safe(long.client.user.changePassword.mutate(wrongChange));
    expect(errorOf("user.changePassword", error)?.code).toBe("INVALID_CREDENTIALS");

    refused.resolve(null);
    await expect(slow).resolves.toEqual({});
    expect(asked).toBe(1);
  });

  it("stays refused when the user declines", async () => {
    await using long = await signedInLongAgo(async () => false);
    const [, error] = await safe(long.client.user.changePassword.mutate(change));
    expect(errorOf("user.changePassword", error)).toMatchObject({
      code: "REAUTHENTICATION_REQUIRED",
      details: { maxAgeSeconds: 900 },
    });
    expect(long.changes()).toBe(1);
  });

  it("asks once for all calls that wait, and all stay refused when the user declines", async () => {
    const answered = Promise.withResolvers<boolean>();
    let asked = 0;
    await using long = await signedInLongAgo(() => {
      asked++;
      return answered.promise;
    });
    const refused = Promise.withResolvers<void>();
    let refusals = 0;
    long.network.hold = (path) => {
      if (path.endsWith("user.changePassword") && ++refusals === 3) refused.resolve();
      return null;
    };
    const answers = Promise.all([1, 2, 3].map(() => safe(long.client.user.changePassword.mutate(change))));
    await refused.promise;
    // After another call was answered, each of them knows that it was refused.
    await long.client.user.me.query();
    answered.resolve(false);
    expect((await answers).map(([, error]) => errorOf("user.changePassword", error)?.code)).toEqual(
      Array(3).fill("REAUTHENTICATION_REQUIRED"),
    );
    expect(asked).toBe(1);
  });

  it("stays refused when the handler fails, with its error as the cause", async () => {
    const bug = new Error("no dialog");
    await using long = await signedInLongAgo(() => Promise.reject(bug));
    const [, error] = await safe(long.client.user.changePassword.mutate(change));
    expect(errorOf("user.changePassword", error)?.code).toBe("REAUTHENTICATION_REQUIRED");
    expect(error?.cause).toBe(bug);
    expect(long.changes()).toBe(1);
  });

  it("is repeated only once, whatever the handler answers", async () => {
    let asked = 0;
    await using long = await signedInLongAgo(async () => {
      asked++;
      return true;
    });
    const [, error] = await safe(long.client.user.changePassword.mutate(change));
    expect(errorOf("user.changePassword", error)?.code).toBe("REAUTHENTICATION_REQUIRED");
    expect(asked).toBe(1);
    expect(long.changes()).toBe(2);
  });

  it("is not repeated as another user who signed in instead", async () => {
    await using long = await signedInLongAgo(async () => {
      await long.client.auth.login.mutate({ username: "jane", password: john.password });
      return true;
    });
    const { users, passwords } = long.server.domain;
    const passwordHash = await passwords.hash(john.password);
    await users.create({ username: "jane", email: null, fullName: "Jane Doe", role: "user", passwordHash });
    const [, error] = await safe(long.client.user.changePassword.mutate(change));
    expect(errorOf("user.changePassword", error)?.code).toBe("REAUTHENTICATION_REQUIRED");
    expect(long.changes()).toBe(1);
    expect((await long.client.user.me.query()).username).toBe("jane");
  });

  it("asks again after the user declined", async () => {
    let asked = 0;
    await using long = await signedInLongAgo(
      async () => ++asked > 1 && !!(await long.client.auth.login.mutate(credentials)),
    );
    const [, error] = await safe(long.client.user.changePassword.mutate(change));
    expect(errorOf("user.changePassword", error)?.code).toBe("REAUTHENTICATION_REQUIRED");
    await expect(long.client.user.changePassword.mutate(change)).resolves.toEqual({});
    expect(asked).toBe(2);
  });

  it("asks again when the last reauthentication is too old", async () => {
    let asked = 0;
    await using long = await signedInLongAgo(async () => {
      asked++;
      await long.client.auth.login.mutate(credentials);
      return true;
    });
    const attempt = async () => {
      const [, error] = await safe(long.client.user.changePassword.mutate(wrongChange));
      return errorOf("user.changePassword", error)?.code;
    };
    expect(await attempt()).toBe("INVALID_CREDENTIALS");
    long.clock.advanceSeconds(3600);
    expect(await attempt()).toBe("INVALID_CREDENTIALS");
    expect(asked).toBe(2);
  });

  it("stops waiting when its caller aborts", async () => {
    const asked = Promise.withResolvers<void>();
    await using long = await signedInLongAgo(() => {
      asked.resolve();
      return new Promise(() => {});
    });
    const abort = new AbortController();
    const answer = safe(long.client.user.changePassword.mutate(change, { signal: abort.signal }));
    await asked.promise;
    abort.abort();
    const [, error] = await answer;
    expect(errorOf("user.changePassword", error)?.code).toBe("UNREACHABLE");
    expect(long.changes()).toBe(1);
  });

  it("is repeated after a refresh and a reauthentication", async () => {
    const clock = testClock();
    await using server = await startTestServer({ now: clock.now });
    const tokens = memoryTokens();
    let asked = 0;
    // The client's clock is an hour behind: only the server knows that the token has expired.
    const client = createClient({
      url: server.url,
      tokens,
      onStepUp: async () => {
        asked++;
        await client.auth.login.mutate(credentials);
        return true;
      },
    });
    await client.auth.login.mutate(credentials);
    clock.advanceSeconds(3600);
    await expect(client.user.changePassword.mutate(change)).resolves.toEqual({});
    expect(asked).toBe(1);
  });
});

describe("a second factor", () => {
  /** John's client, with an authenticator app. */
  const withApp = async (options: Pick<ClientOptions, "onStepUp"> = {}) => {
    const clock = testClock();
    const server = await startTestServer({ now: clock.now });
    const tokens = memoryTokens();
    const client = createClient({ url: server.url, now: clock.now, tokens, ...options });
    await client.auth.login.mutate(credentials);
    const begun = await client.factor.begin.mutate({ kind: "totp" });
    if (begun.kind !== "totp") throw new Error("Another kind of factor was begun");
    const { enrolmentId, secret } = begun;
    const code = () => {
      clock.advanceSeconds(60);
      return totpCode(secret, clock.now());
    };
    const { id: factorId } = await client.factor.complete.mutate({ enrolmentId, name: "Phone", totp: code() });
    return { client, clock, tokens, code, factorId, [Symbol.asyncDispose]: server.close };
  };

  it("is completed before the client has tokens", async () => {
    await using it = await withApp();
    const { client, tokens, code } = it;
    await client.auth.logout.mutate();
    const answer = await client.auth.login.mutate(credentials);
    if (answer.status !== "second_factor_required") throw new Error("No second factor was asked for");
    expect(tokens.get()).toBeNull();
    expect(sessionOf(client).get().status).toBe("signedOut");
    await client.auth.completeLogin.mutate({ challengeId: answer.challengeId, totp: code() });
    expect(sessionOf(client).get()).toMatchObject({ status: "signedIn", user: { username: "john" } });
    expect((await client.user.me.query()).username).toBe("john");
  });

  it("is proved when an operation asks for it, and the call is repeated in the new session", async () => {
    const events: StepUp[] = [];
    await using it = await withApp({
      onStepUp: async (event) => {
        events.push(event);
        await it.client.auth.stepUp.mutate({ password: john.password, totp: it.code() });
        return true;
      },
    });
    const { client, clock, factorId } = it;
    const before = sessionOf(client).get();
    clock.advanceSeconds(3600);
    expect((await client.factor.rename.mutate({ factorId, name: "Old phone" })).name).toBe("Old phone");
    expect(events).toEqual([{ maxAgeSeconds: 900, factors: 2, phishingResistant: false, path: "factor.rename" }]);
    const after = sessionOf(client).get();
    expect([before, after]).toMatchObject([{ status: "signedIn" }, { status: "signedIn" }]);
    expect(after).not.toEqual(before);
    expect((await client.session.list.query()).length).toBe(1);
  });
});
