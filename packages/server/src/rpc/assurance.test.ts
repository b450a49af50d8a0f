// What every operation that asks for more than a sign-in does to callers who have proved less, derived from a contract:
// over RPC, in a batch, in a stream, over REST, and for third-party clients.

import {
  defineContract,
  engine,
  engineErrors,
  engineRoles,
  engineScopes,
  type Operation,
  operationsOf,
} from "@lockstep/kit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { codeOf } from "../../test/authenticator-app.ts";
import { createAuthenticator } from "../../test/software-authenticator.ts";
import { defineApp } from "../app.ts";
import { grantedToken, john, resourceMetadata, startTestServer, testClock, testSource, typed } from "../testing.ts";

const output = z.object({ done: z.boolean() });
const contract = defineContract(
  {
    scopes: { ...engineScopes, "vault:read": "Open your vault" },
    roles: engineRoles,
    errors: engineErrors,
    areas: { vault: "What is worth a second factor" },
  },
  ({ query, mutation, subscription, scoped, firstParty }) => ({
    ...engine,
    vault: {
      read: query({
        summary: "Read the vault",
        access: scoped({ factors: 2, maxAgeSeconds: 300 }, "vault:read"),
        rest: { method: "GET", path: "/api/vault" },
        output,
      }),
      key: query({
        summary: "Read the key of the vault",
        access: scoped({ phishingResistant: true }, "vault:read"),
        rest: { method: "GET", path: "/api/vault/key" },
        output,
      }),
      open: mutation({
        summary: "Open the vault",
        access: firstParty({ factors: 2 }),
        rest: { method: "POST", path: "/api/vault/open" },
        output,
      }),
      watch: subscription({ summary: "Watch the vault", access: firstParty({ factors: 2 }), output }),
    },
  }),
);

/** How often each handler was reached. */
let reached = 0;
const reach = () => {
  reached++;
  return { done: true };
};
const { vault } = contract.operations;
const app = defineApp({
  brand: { name: "Lockstep" },
  contract,
  procedures: ({ implement }) => ({
    vault: {
      read: implement(vault.read).handle(reach),
      key: implement(vault.key).handle(reach),
      open: implement(vault.open).handle(reach),
      watch: implement(vault.watch).handle(async function* () {
        yield reach();
      }),
    },
  }),
});

const clock = testClock();
const open = () => startTestServer({ app, now: clock.now });
let server: Awaited<ReturnType<typeof open>>;
/** Tokens of a session and of a client that proved one factor. */
let own: string;
let theirs: string;

beforeAll(async () => {
  server = await open();
  const { accessToken, user } = await server.domain.signIn.withPassword(typed(john.username, john.password));
  own = accessToken;
  theirs = (await grantedToken(server, user.id, ["vault:read", "profile:read"])).accessToken;
});
afterAll(() => server.close());

const strong = [...operationsOf(contract.operations)].filter(
  ([, { access }]) =>
    access.kind !== "anyone" && (access.assurance?.factors === 2 || access.assurance?.phishingResistant === true),
);

/** The `code` of each refusal in an answer. */
const codesIn = (text: string): string[] => [...text.matchAll(/"code":"([A-Z_]+)"/g)].map(([, code = ""]) => code);

const get = (url: string, token: string, headers: Record<string, string> = {}) =>
  server.app.inject({ method: "GET", url, headers: { authorization: `Bearer ${token}`, ...headers } });
const post = (url: string, token: string, payload: string, headers: Record<string, string> = {}) =>
  server.app.inject({
    method: "POST",
    url,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json", ...headers },
    payload,
  });

/** Every way to call an operation. */
const callsOf = (path: string, { kind, access, rest }: Operation) => {
  const tokens = access.kind === "scoped" ? [own, theirs] : [own];
  const encoded = encodeURIComponent('{"0":{},"1":{}}');
  return tokens.flatMap((token) => [
    ...(kind === "query" ? [() => get(`/trpc/${path}`, token)] : []),
    ...(kind === "query" ? [() => get(`/trpc/${path},${path}?batch=1&input=${encoded}`, token)] : []),
    ...(kind === "query"
      ? [() => get(`/trpc/${path},${path}?batch=1&input=${encoded}`, token, { "trpc-accept": "application/jsonl" })]
      : []),
    ...(kind === "mutation" ? [() => post(`/trpc/${path}`, token, "{}")] : []),
    ...(kind === "mutation" ? [() => post(`/trpc/${path}?batch=1`, token, '{"0":{}}')] : []),
    ...(kind === "mutation"
      ? [() => post(`/trpc/${path}?batch=1`, token, '{"0":{}}', { "trpc-accept": "application/jsonl" })]
      : []),
    ...(kind === "subscription" ? [() => get(`/trpc/${path}`, token, { accept: "text/event-stream" })] : []),
    ...(rest?.method === "GET" ? [() => get(rest.path, token)] : []),
    ...(rest?.method === "POST" ? [() => post(rest.path, token, "{}")] : []),
  ]);
};

describe("a caller who proved one factor", () => {
  it("[S111] [S42] reaches the handler of no operation that asks for two, in no way of calling it", async () => {
    expect(strong.map(([path]) => path)).toEqual(
      expect.arrayContaining(["factor.remove", "vault.read", "vault.watch"]),
    );
    let calls = 0;
    for (const [path, operation] of strong) {
      for (const call of callsOf(path, operation)) {
        calls++;
        const { body } = await call();
        expect([path, ...new Set(codesIn(body))]).toEqual([path, "REAUTHENTICATION_REQUIRED"]);
      }
    }
    expect(calls).toBeGreaterThan(20);
    expect(reached).toBe(0);
  });

  it("[S42] is told what to prove, as RFC 9470 does", async () => {
    const challengeOf = async (url: string) => {
      const { statusCode, headers } = await get(url, theirs);
      return [statusCode, headers["www-authenticate"]];
    };
    const refused = 'Bearer error="insufficient_user_authentication"';
    expect(await challengeOf("/api/vault")).toEqual([
      401,
      `${refused}, acr_values="2fa phr", max_age="300", ${resourceMetadata}`,
    ]);
    expect(await challengeOf("/api/vault/key")).toEqual([401, `${refused}, acr_values="phr", ${resourceMetadata}`]);
    expect((await post("/trpc/vault.open", own, "{}")).json()).toMatchObject({
      error: {
        data: {
          details: { maxAgeSeconds: null, factors: 2, phishingResistant: false },
          wwwAuthenticate: `${refused}, acr_values="2fa phr"`,
        },
      },
    });
  });
});

describe("a caller who proves two factors", () => {
  it("[S111] reaches them as long as the proof lasts, and nothing that asks for a passkey", async () => {
    await using other = await open();
    const { factorSignIn, passkeys, signIn } = other.domain;
    const status = async (method: "GET" | "POST", url: string, token: string) =>
      (await other.app.inject({ method, url, headers: { authorization: `Bearer ${token}` } })).statusCode;
    const owner = await signIn.withPassword(typed(john.username, john.password));
    const begun = await factorSignIn.beginFactor(owner, "totp");
    if (begun.kind !== "totp") throw new Error("Another kind of factor was begun");
    const { enrolmentId, secret } = begun;
    await factorSignIn.completeFactor(
      owner,
      { enrolmentId, name: "Phone", totp: codeOf(secret, clock.now()) },
      testSource,
    );
    clock.advanceSeconds(60);
    const stepped = await factorSignIn.stepUp(
      owner,
      { password: john.password, totp: codeOf(secret, clock.now()) },
      testSource,
    );
    const paths = ["/api/vault", "/api/vault/key"] as const;
    const statuses = (token: string) => Promise.all(paths.map((path) => status("GET", path, token)));
    expect(await statuses(stepped.accessToken)).toEqual([200, 401]);
    expect(await status("POST", "/api/vault/open", stepped.accessToken)).toBe(200);

    // The proof of a session that refreshes keeps its time.
    clock.advanceSeconds(301);
    const refreshed = await signIn.withRefreshToken(stepped.refreshToken, testSource);
    expect(await statuses(refreshed.accessToken)).toEqual([401, 401]);
    expect(await status("POST", "/api/vault/open", refreshed.accessToken)).toBe(200);

    const authenticator = createAuthenticator({ origin: "http://localhost:3000" });
    const enrolment = await factorSignIn.beginFactor(stepped, "passkey");
    if (enrolment.kind !== "passkey") throw new Error("Another kind of factor was begun");
    const passkey = authenticator.create(enrolment);
    await factorSignIn.completeFactor(
      stepped,
      { enrolmentId: enrolment.enrolmentId, name: "Key", passkey },
      testSource,
    );
    const withPasskey = await factorSignIn.withPasskey(authenticator.get(await passkeys.options()), {
      deviceToken: null,
      replaces: null,
      source: testSource,
    });
    expect(await statuses(withPasskey.accessToken)).toEqual([200, 200]);
  });
});
