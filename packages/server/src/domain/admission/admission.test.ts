import type { Challenge, LoginResult } from "@lockstep/kit";
import { solveChallenge } from "altcha-lib";
import { deriveKey } from "altcha-lib/algorithms/pbkdf2";
import { describe, expect, it } from "vitest";
import { callsTo } from "../../../test/calls.ts";
import type { App } from "../../app.ts";
import type { Config } from "../../config.ts";
import { fixtureApp, type fixtureContract } from "../../fixture-app.ts";
import { john, startTestServer, testClock, testSource } from "../../testing.ts";
import type { AdmissionAnswer, AdmissionRequest, Hooks } from "./admission.ts";

const credentials = { username: john.username, password: john.password };

const start = async (challenge: Config["challenge"], hooks: Hooks = {}, hookLimitMs = 10_000) => {
  const clock = testClock();
  const server = await startTestServer<typeof fixtureContract>({
    app: { ...fixtureApp, hooks } as App<typeof fixtureContract & App["contract"]>,
    now: clock.now,
    config: { challenge, signInCode: true },
    world: { hookLimitMs },
  });
  return { ...server, clock, calls: callsTo(server.app) };
};

const challengeOf = (answer: { error: unknown }): Challenge => {
  const { code, details } = answer.error as { code: string; details: { challenge: Challenge } };
  expect(code).toBe("CHALLENGE_REQUIRED");
  return details.challenge;
};

/** The solution of the challenge that a call was answered with. */
const solutionOf = async (answer: { error: unknown }): Promise<string> => {
  const challenge = challengeOf(answer);
  return btoa(JSON.stringify({ challenge, solution: await solveChallenge({ challenge, deriveKey }) }));
};

describe("CHALLENGE=on", () => {
  it("asks strangers for a solution before each of the calls, and answers the call with it", async () => {
    await using server = await start("on");
    const { mutate } = server.calls;
    const register = await mutate("account.register", { email: "jane@example.com" });
    expect(register.status).toBe(428);
    expect(await server.mails()).toEqual([]);
    const input = { email: "jane@example.com", solution: await solutionOf(register) };
    expect((await mutate("account.register", input)).code).toBe("OK");
    // Once.
    challengeOf(await mutate("account.register", input));
    for (const operation of ["account.recover", "auth.requestSignInCode"] as const) {
      const refused = await mutate(operation, { login: "john" });
      const solution = await solutionOf(refused);
      expect((await mutate(operation, { login: "john", solution })).code).toBe("OK");
    }
    const refused = await mutate("auth.login", credentials);
    const login = await mutate("auth.login", { ...credentials, solution: await solutionOf(refused) });
    expect((login.data as LoginResult).status).toBe("signed_in");
    expect(challengeOf(await mutate("auth.login", { ...credentials, solution: "nonsense" })).parameters.data.kind).toBe(
      "sign_in",
    );
  });

  it("[S69] asks alike whether there is an account or not, and checks no password before", async () => {
    await using server = await start("on");
    const shapes = [];
    for (const username of ["john", "nobody"]) {
      for (let n = 0; n < 8; n++) await server.calls.mutate("auth.login", { username, password: "wrong" });
      const { status, error } = await server.calls.mutate("auth.login", { username, password: "wrong" });
      shapes.push([status, error?.code, Object.keys(error?.details ?? {})]);
    }
    expect(shapes).toEqual([
      [428, "CHALLENGE_REQUIRED", ["challenge"]],
      [428, "CHALLENGE_REQUIRED", ["challenge"]],
    ]);
    expect(await server.db.selectFrom("throttles").selectAll().execute()).toEqual([]);
  });

  it("[S68] asks for each call of a batch", async () => {
    await using server = await start("on");
    const solution = await solutionOf(await server.calls.mutate("account.recover", { login: "john" }));
    const names = Array.from({ length: 5 }, (_, n) => ({ login: `user-${n}`, solution }));
    const answers = await server.app.inject({
      method: "POST",
      url: `/trpc/${names.map(() => "account.recover").join(",")}?batch=1`,
      payload: { ...names },
    });
    const codes = (answers.json() as { error?: { data: { code: string } } }[]).map(({ error }) => error?.data.code);
    expect(codes.filter((code) => code === undefined)).toHaveLength(1);
    expect(codes.filter((code) => code === "CHALLENGE_REQUIRED")).toHaveLength(4);
  });
});

describe("CHALLENGE=auto", () => {
  it("asks while there are more attempts than people make, and not before or after", async () => {
    await using server = await start("auto");
    const guess = (n: number) => server.calls.mutate("auth.login", { username: `user-${n}`, password: "a guess" });
    for (let n = 0; n < 20; n++) expect((await guess(n)).code).toBe("INVALID_CREDENTIALS");
    const refused = await guess(20);
    const solution = await solutionOf(refused);
    expect((await server.calls.mutate("auth.login", { ...credentials, solution })).code).toBe("OK");
    challengeOf(await server.calls.mutate("account.recover", { login: "john" }));
    // Another network is not concerned.
    expect((await server.calls.mutate("auth.login", credentials, { address: "203.0.113.9" })).code).toBe("OK");
    server.clock.advanceSeconds(63);
    expect((await server.calls.mutate("auth.login", credentials)).code).toBe("OK");
  });

  it("does not ask people who sign in, however many share an address", async () => {
    await using server = await start("auto");
    for (let n = 0; n < 45; n++) expect((await server.calls.mutate("auth.login", credentials)).code).toBe("OK");
  });

  it("off never asks", async () => {
    await using server = await start("off");
    for (let n = 0; n < 30; n++)
      expect((await server.calls.mutate("auth.login", { username: `u${n}`, password: "a guess" })).code).toBe(
        "INVALID_CREDENTIALS",
      );
  });
});

describe("the password form of POST /token", () => {
  const token = (server: Awaited<ReturnType<typeof start>>, form: Record<string, string>) =>
    server.app.inject({
      method: "POST",
      url: "/token",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      payload: new URLSearchParams(form).toString(),
    });

  it("solves no challenge: it works with CHALLENGE=on too, and waits above the rate, in words and with Retry-After", async () => {
    await using server = await start("on");
    expect((await token(server, credentials)).statusCode).toBe(200);
    for (let n = 0; n < 20; n++)
      expect((await token(server, { username: `u${n}`, password: "a guess" })).json().error).toBe("invalid_grant");
    const waiting = await token(server, credentials);
    expect([waiting.statusCode, waiting.json().error]).toEqual([429, "temporarily_unavailable"]);
    expect(Number(waiting.headers["retry-after"])).toBeGreaterThan(0);
    server.clock.advanceSeconds(63);
    expect((await token(server, credentials)).statusCode).toBe(200);
  });

  it("is refused in words when the app's hook wants a challenge, or nobody", async () => {
    await using server = await start("off", {
      admit: ({ login }) =>
        login === "john" ? { allow: "after_challenge" } : { allow: false, explanation: "Not you." },
    });
    expect((await token(server, credentials)).json()).toEqual({
      error: "invalid_grant",
      error_description: "This needs a challenge, which only the sign-in page and the client library can solve.",
    });
    expect((await token(server, { ...credentials, username: "ann" })).json().error_description).toBe("Not you.");
  });
});

describe("hooks.admit", () => {
  it("gets what is asked for, and decides before anything is looked up", async () => {
    const asked: Omit<AdmissionRequest, "signal">[] = [];
    await using server = await start("off", {
      admit: ({ signal: _, ...request }, { now }) => {
        asked.push(request);
        expect(now()).toEqual(expect.any(Number));
        return request.kind === "sign_up" ? { allow: false, explanation: "Sign up next week." } : { allow: true };
      },
    });
    const { mutate } = server.calls;
    const register = await mutate("account.register", { email: "Jane@Example.com" });
    expect(register.error).toMatchObject({
      code: "NOT_ADMITTED",
      httpStatus: 403,
      details: { explanation: "Sign up next week." },
    });
    expect(await server.mails()).toEqual([]);
    await mutate("account.recover", { login: "john" });
    await mutate("auth.requestSignInCode", { login: "john" });
    await mutate("auth.login", credentials, { headers: { "user-agent": "a test" } });
    expect(asked.map(({ kind, by, login }) => [kind, by, login])).toEqual([
      ["sign_up", "code", "jane@example.com"],
      ["recover", "code", "john"],
      ["sign_in", "code", "john"],
      ["sign_in", "password", "john"],
    ]);
    expect(asked.at(-1)?.source).toMatchObject({ address: "127.0.0.1", userAgent: "a test" });
  });

  it("is asked about identity providers too, whose people solve no challenge", async () => {
    const asked: string[] = [];
    let answer: AdmissionAnswer = { allow: false };
    await using server = await start("off", {
      admit: ({ kind, by, login }) => {
        asked.push(`${kind} ${by} ${login}`);
        return answer;
      },
    });
    const signIn = () =>
      server.domain.identitySignIn.signIn(
        {
          rules: { name: "north", label: "North", create: "always", endSession: false, freshness: "select_account" },
          identity: {
            issuer: "https://north.example",
            subject: "ada",
            email: "ada@example.org",
            emailVerified: true,
            fullName: "Ada",
            username: "ada",
          },
          providerSession: { sessionId: null, idToken: null },
          authenticatedAt: null,
        },
        testSource,
      );
    await expect(signIn()).rejects.toMatchObject({ name: "LoginRefusal", problem: "not_admitted" });
    expect(await server.domain.users.findByLogin("ada@example.org")).toBeNull();
    answer = { allow: "after_challenge" };
    expect(await signIn()).toMatchObject({ status: "signed_in" });
    await signIn();
    expect(asked).toEqual([
      "sign_up provider ada@example.org",
      "sign_up provider ada@example.org",
      "sign_in provider ada@example.org",
    ]);
  });

  it("can ask for a challenge although the setting does not", async () => {
    await using server = await start("off", { admit: async () => ({ allow: "after_challenge" }) });
    const solution = await solutionOf(await server.calls.mutate("auth.login", credentials));
    expect((await server.calls.mutate("auth.login", { ...credentials, solution })).code).toBe("OK");
  });

  it.each<[string, NonNullable<Hooks["admit"]>]>([
    [
      "throws",
      () => {
        throw new Error("a bug");
      },
    ],
    ["rejects", () => Promise.reject(new Error("the service is down"))],
    ["answers nothing", (() => {}) as unknown as NonNullable<Hooks["admit"]>],
    ["answers something else", (() => ({ allow: "yes" })) as unknown as NonNullable<Hooks["admit"]>],
    ["never answers", () => new Promise(() => {})],
    [
      "rejects too late",
      ({ signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("late")))),
    ],
  ])("that %s lets nobody in, and the call fails in bounded time", async (_, admit) => {
    await using server = await start("off", { admit }, 20);
    const { status, error, headers } = await server.calls.mutate("auth.login", credentials);
    expect([status, error]).toMatchObject([503, { code: "UNAVAILABLE", details: { retryAfterSeconds: 5 } }]);
    expect(headers["retry-after"]).toBe("5");
    expect(await server.db.selectFrom("sessions").select("id").execute()).toEqual([]);
  });

  it("is asked about passkeys", async () => {
    await using server = await start("off", {
      admit: ({ by }) => ({ allow: by !== "passkey" && true }) as AdmissionAnswer,
    });
    const { data } = await server.calls.mutate("auth.passkeyOptions", undefined);
    const response = { clientDataJSON: "AAAA", authenticatorData: "AAAA", signature: "AAAA" };
    const credential = { id: "AAAA", rawId: "AAAA", type: "public-key", response, clientExtensionResults: {} };
    const passkey = { challengeId: data.challengeId, credential } as never;
    expect((await server.calls.mutate("auth.loginWithPasskey", { passkey })).code).toBe("NOT_ADMITTED");
  });
});
