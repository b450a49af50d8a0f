import { engineRoles, operationsOf } from "@lockstep/kit";
import { TRPCError } from "@trpc/server";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { engines } from "../../test/engines.ts";
import { anyone, contractOf, firstParty, mutation, query, scoped, subscription } from "../../test/words.ts";
import { DomainError } from "../domain/kernel/domain-error.ts";
import { createGuard } from "../domain/tokens/guard.ts";
import { fixtureContract } from "../fixture-app.ts";
import {
  grantedToken,
  resourceMetadata,
  startTestServer,
  type TestServerOptions,
  testClock,
  testRequest,
  testSource,
  typed,
} from "../testing.ts";
import { createContext } from "./context.ts";
import { createRouter, implement } from "./trpc.ts";

const start = async (options: TestServerOptions = {}) => {
  const server = await startTestServer(options);
  const { accessToken, user } = await server.domain.signIn.withPassword(typed("john", "secret"));
  const contextWith = (token: string | null) => createContext(server.domain.guard, testRequest(token));
  return {
    ...server,
    accessToken,
    user,
    contextWith,
    caller: server.router.createCaller(contextWith(accessToken)),
    anonymous: server.router.createCaller(contextWith(null)),
  };
};

const codeOf = async (call: Promise<unknown>) => {
  const error = await call.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof TRPCError)) return error;
  return error.cause instanceof DomainError ? error.cause.code : error.code;
};

describe.each(engines)("procedures on $engine", ({ newDatabase }) => {
  const open = async () => {
    const database = await newDatabase("migrated");
    const server = await start({ databaseUrl: database.url });
    return {
      ...server,
      async [Symbol.asyncDispose]() {
        await server.close();
        await database.drop();
      },
    };
  };

  it("sign in, read, change, call the app's own operation, sign out", async () => {
    await using server = await open();
    const login = await server.anonymous.auth.login({ username: "john", password: "secret" });
    if (login.status !== "signed_in") throw new Error("The sign-in is not complete");
    const caller = server.router.createCaller(server.contextWith(login.accessToken));
    expect(await caller.user.me()).toEqual(login.user);
    expect(await caller.user.update({ fullName: "  Johnny Doe " })).toEqual({ ...login.user, fullName: "Johnny Doe" });
    expect(await caller.account.removeEmail()).toMatchObject({ email: null, fullName: "Johnny Doe" });
    expect(await server.caller.photo.album()).toEqual({ title: "Photos of Johnny Doe" });
    expect(await caller.auth.logout()).toEqual({});
    const again = server.router.createCaller(server.contextWith(login.accessToken));
    expect(await codeOf(again.user.me())).toBe("INVALID_TOKEN");
  });

  it("audit that a profile was changed, and by which request, but not its content", async () => {
    await using server = await open();
    await server.caller.user.update({ fullName: "Johnny" });
    const [entry] = await server.domain.audit.list({ userId: server.user.id, limit: 1 });
    expect(entry).toMatchObject({ action: "user.update", detail: { changed: ["fullName"] }, source: testSource });
    expect(JSON.stringify(entry)).not.toContain("Johnny");
  });

  it("[S94] let only the owner change the address that signs in, within 15 minutes of a sign-in", async () => {
    const clock = testClock();
    await using server = await start({ now: clock.now });
    const { accessToken } = await grantedToken(server, server.user.id, server.domain.scopes.names);
    const asClient = server.router.createCaller(server.contextWith(accessToken));
    const email = "thief@example.com";
    for (const call of [asClient.account.changeEmail({ email }), asClient.account.removeEmail()])
      expect(await codeOf(call)).toBe("FIRST_PARTY_ONLY");
    await asClient.user.update({ fullName: "John", email } as { fullName: string });
    clock.advanceSeconds(15 * 60 + 1);
    const { refreshToken } = await server.domain.signIn.withPassword(typed("john", "secret"));
    clock.advanceSeconds(15 * 60 + 1);
    const { accessToken: late } = await server.domain.signIn.withRefreshToken(refreshToken, testSource);
    const stale = server.router.createCaller(server.contextWith(late));
    for (const call of [stale.account.changeEmail({ email }), stale.account.removeEmail()])
      expect(await codeOf(call)).toBe("REAUTHENTICATION_REQUIRED");
    expect(await stale.user.me()).toMatchObject({ fullName: "John", email: "john@example.com" });
  });

  it("answer with their declared codes", async () => {
    await using server = await open();
    await server.domain.users.create({
      username: "jane",
      email: "jane@example.com",
      fullName: "Jane",
      role: "user",
      passwordHash: null,
    });
    const proof = { proofId: "none", code: "BCDFGHJK" };
    expect(await codeOf(server.caller.account.completeEmailChange(proof))).toBe("PROOF_REFUSED");
    expect(await codeOf(server.anonymous.auth.login({ username: "jane", password: "x" }))).toBe("INVALID_CREDENTIALS");
  });

  it.each([
    { fullName: "" },
    { fullName: "a\u0000b" },
    { fullName: "John \u202Eeod" },
    { fullName: "x".repeat(201) },
    { email: "no address" },
    { email: `${"x".repeat(250)}@example.com` },
  ])("refuse the change %j and keep the old value", async (change) => {
    await using server = await open();
    const { user, account } = server.caller;
    const changed = change.fullName === undefined ? account.changeEmail(change) : user.update(change);
    expect(await codeOf(changed)).toBe("BAD_REQUEST");
    expect(await server.caller.user.me()).toEqual(server.user);
  });
});

describe("access", () => {
  it("[S53] is enforced for every operation of the contract that is not open to anyone", async () => {
    await using server = await start();
    const guarded = [...operationsOf(fixtureContract.operations)].filter(
      ([, operation]) => operation.access.kind !== "anyone",
    );
    expect(guarded.length).toBeGreaterThan(3);
    for (const [path, { kind }] of guarded) {
      const response = await server.app.inject({
        method: kind === "mutation" ? "POST" : "GET",
        url: `/trpc/${path}`,
        headers: { "content-type": "application/json" },
      });
      // A subscription has started its response by then: the refusal is its first and only event.
      if (kind === "subscription") {
        expect(response.body).toContain('"code":"UNAUTHENTICATED"');
        expect(response.body).not.toContain("watching");
      } else {
        expect([path, response.statusCode, response.headers["www-authenticate"]]).toEqual([
          path,
          401,
          `Bearer ${resourceMetadata}`,
        ]);
      }
    }
  });

  it("is checked before the input, so that a refused caller learns nothing about valid input", async () => {
    await using server = await start();
    expect(await codeOf(server.anonymous.user.update({ fullName: "" }))).toBe("UNAUTHENTICATED");
  });

  const clock = testClock();
  const guard = createGuard({
    tokens: null as never,
    sessions: null as never,
    grants: null as never,
    clients: null as never,
    dpop: null as never,
    now: clock.now,
    roles: engineRoles,
  });
  const session = { id: "s", userId: "u", authenticatedAt: clock.now(), factors: null, scopes: null };
  const person = (role: string) => ({
    id: "u",
    username: "u",
    email: null,
    emailVerified: false,
    fullName: "U",
    role,
    disabled: false,
    createdAt: 0,
  });
  const own = (role: string = "user") => ({ kind: "firstParty", user: person(role), session }) as const;
  const other = (...scopes: string[]) =>
    ({ kind: "thirdParty", user: person("admin"), clientId: "app", scopes: new Set(scopes), proof: session }) as const;
  const itself = { kind: "client", clientId: "app" } as const;
  const refusal = (check: () => void) => {
    try {
      check();
      return null;
    } catch (error) {
      return (error as DomainError).code;
    }
  };

  it("scoped: allows a first-party session, and a third-party client with all scopes", () => {
    const access = scoped("profile:read", "profile:write");
    expect(refusal(() => guard.authorize(access, own()))).toBeNull();
    expect(refusal(() => guard.authorize(access, other("profile:read", "profile:write", "photos:read")))).toBeNull();
    expect(refusal(() => guard.authorize(access, other("profile:read")))).toBe("INSUFFICIENT_SCOPE");
    expect(refusal(() => guard.authorize(access, other()))).toBe("INSUFFICIENT_SCOPE");
    expect(refusal(() => guard.authorize(access, itself))).toBe("USER_REQUIRED");
  });

  it("firstParty: refuses third-party clients, and other roles", () => {
    expect(refusal(() => guard.authorize(firstParty(), own()))).toBeNull();
    expect(refusal(() => guard.authorize(firstParty(), other("profile:read")))).toBe("FIRST_PARTY_ONLY");
    expect(refusal(() => guard.authorize(firstParty(), itself))).toBe("FIRST_PARTY_ONLY");
    expect(refusal(() => guard.authorize(firstParty({ role: "admin" }), own("user")))).toBe("ROLE_REQUIRED");
    expect(refusal(() => guard.authorize(firstParty({ role: "admin" }), own("admin")))).toBeNull();
    expect(refusal(() => guard.authorize(firstParty({ role: "user" }), own("admin")))).toBeNull();
  });

  it("firstParty with maxAgeSeconds: requires a fresh sign-in", () => {
    const access = firstParty({ maxAgeSeconds: 60 });
    clock.advanceSeconds(60);
    expect(refusal(() => guard.authorize(access, own()))).toBeNull();
    clock.advanceSeconds(1);
    expect(refusal(() => guard.authorize(access, own()))).toBe("REAUTHENTICATION_REQUIRED");
  });
});

describe("implement", () => {
  const example = {
    leaky: query({ summary: "Answer too much", access: anyone, output: z.object({ name: z.string() }) }),
    twin: query({ summary: "Look alike", access: anyone, output: z.object({ name: z.string() }) }),
    undeclared: mutation({ summary: "Fail unannounced", access: anyone, output: z.object({}) }),
    ticks: subscription({ summary: "Send events", access: anyone, output: z.object({ n: z.int() }) }),
  };
  const leaky = implement(example.leaky).handle(() => ({ name: "x", passwordHash: "y" }));
  const twin = implement(example.twin).handle(() => ({ name: "x" }));
  const undeclared = implement(example.undeclared).handle(() => {
    throw new DomainError("EMAIL_TAKEN");
  });
  const ticks = implement(example.ticks).handle(async function* () {
    yield { n: 1, secret: "z" };
    yield { n: 2, secret: "z" };
  });
  const context = createContext(null as never, testRequest());

  it("removes properties that the output does not declare", async () => {
    const caller = createRouter(contractOf(example), { leaky, twin, undeclared, ticks }).createCaller(context);
    expect(await caller.leaky()).toEqual({ name: "x" });
    const events: unknown[] = [];
    for await (const event of await caller.ticks()) events.push(event);
    expect(events).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it("fails at start when a handler is in another operation's place", () => {
    expect(() => createRouter(contractOf(example), { leaky: twin, twin, undeclared, ticks })).toThrow(
      "`leaky` is implemented by another operation's handler. Give it its own.",
    );
  });

  it("fails at start when a declared procedure is missing, or an undeclared one exists", () => {
    const { ticks: _, ...rest } = { leaky, twin, undeclared, ticks };
    expect(() => createRouter(contractOf(example), rest as never)).toThrow(
      "The contract declares `ticks`, which has no procedures. Add them to the app's procedures.",
    );
    const extra = { leaky, twin, undeclared, ticks, area: { extra: twin } };
    expect(() => createRouter(contractOf(example), extra)).toThrow(
      "The app has a procedure `area`, which the contract does not declare. Declare it, or delete it.",
    );
  });

  it("hides a refusal that the operation does not declare", async () => {
    const caller = createRouter(contractOf(example), { leaky, twin, undeclared, ticks }).createCaller(context);
    expect(await codeOf(caller.undeclared())).toBe("INTERNAL_SERVER_ERROR");
  });
});
