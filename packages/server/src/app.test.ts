import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AnyContract, engine, engineErrors, engineScopes } from "@lockstep/kit";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { assertEngineIn } from "./app.ts";
import { fixtureApp, fixtureContract } from "./fixture-app.ts";
import { john, startTestServer, testSource, typed } from "./testing.ts";

const contract: AnyContract = fixtureContract;

describe("an app's contract", () => {
  it("has the engine's areas, errors, scopes and roles", () => {
    expect(() => assertEngineIn(contract)).not.toThrow();
    const { user: _user, ...withoutUser } = engine;
    const { EMAIL_TAKEN: _taken, ...withoutTaken } = engineErrors;
    expect(() => assertEngineIn({ ...contract, operations: withoutUser })).toThrow(
      "The contract lacks the engine's area `user`. Begin its operations with `...engine`.",
    );
    expect(() => assertEngineIn({ ...contract, errors: withoutTaken })).toThrow(
      "The contract lacks the engine's error EMAIL_TAKEN. Begin its errors with `...engineErrors`.",
    );
    expect(() => assertEngineIn({ ...contract, scopes: { "profile:read": "x" } })).toThrow(
      "The contract lacks the engine's scope profile:write. Begin its scopes with `...engineScopes`.",
    );
    expect(() => assertEngineIn({ ...contract, roles: ["user"] })).toThrow(
      "The contract lacks the engine's role admin. Begin its roles with `...engineRoles`.",
    );
  });

  it("gives no area and no error of its own the name of one of the engine's", () => {
    expect(() => assertEngineIn({ ...contract, operations: { ...engine, user: { me: engine.user.me } } })).toThrow(
      "The contract's area `user` has the name of one of the engine's. Give it another.",
    );
    const details = z.object({});
    const errors = { ...engineErrors, EMAIL_TAKEN: { status: 400, message: "Taken.", details } } as const;
    expect(() => assertEngineIn({ ...contract, errors })).toThrow(
      "The contract's error EMAIL_TAKEN has the code of one of the engine's. Give it another.",
    );
  });

  it("words the engine's scopes as it likes", () => {
    const scopes = { ...engineScopes, "profile:read": "See who you are" };
    expect(() => assertEngineIn({ ...contract, scopes })).not.toThrow();
  });
});

it("a renamed brand locks nobody out: sessions, passwords and clients of the old name go on", async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "lockstep-"));
  const databaseUrl = `file:${join(directory.path, "test.db")}` as const;
  const before = await startTestServer({ databaseUrl });
  const { refreshToken, accessToken } = await before.domain.signIn.withPassword(typed(john.username, john.password));
  await before.close();

  const renamed = { ...fixtureApp, brand: { name: "Umbrella" } };
  await using after = await startTestServer({ app: renamed, databaseUrl });
  const me = await fetch(`${after.url}/users/me`, { headers: { authorization: `Bearer ${accessToken}` } });
  expect(me.status).toBe(200);
  expect((await after.domain.signIn.withRefreshToken(refreshToken, testSource)).user.username).toBe(john.username);
  expect((await after.domain.signIn.withPassword(typed(john.username, john.password))).user.username).toBe("john");
  expect(await (await fetch(`${after.url}/openapi.json`)).json()).toMatchObject({ info: { title: "Umbrella" } });
  expect(await (await fetch(`${after.url}/docs`)).text()).toContain("<title>Umbrella API</title>");
});
