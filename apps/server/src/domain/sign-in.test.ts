import { describe, expect, it } from "vitest";
import { engines } from "../../test/engines.ts";
import { john, startTestServer } from "../testing.ts";

describe.each(engines)("signing in on $engine", ({ newDatabase }) => {
  const start = async () => {
    const database = await newDatabase();
    const server = await startTestServer({ databaseUrl: database.url });
    return {
      ...server,
      async [Symbol.asyncDispose]() {
        await server.close();
        await database.drop();
      },
    };
  };

  it("[S69] refuses an unknown user, a wrong password and a disabled user alike", async () => {
    await using server = await start();
    const { signIn, users } = server.domain;
    const found = await users.findByLogin(john.username);
    const attempt = async (username: string, password: string) => {
      const { statusCode, body, headers } = await server.app.inject({
        method: "POST",
        url: "/trpc/auth.login",
        headers: { "content-type": "application/json" },
        payload: JSON.stringify({ username, password }),
      });
      return {
        statusCode,
        body: body.replaceAll(String(headers["x-request-id"]), ""),
        length: headers["content-length"],
      };
    };
    expect((await signIn.withPassword({ username: "john", password: "secret" })).status).toBe("signed_in");

    const unknown = await attempt("nobody", "secret");
    expect(unknown.statusCode).toBe(401);
    expect(JSON.parse(unknown.body)).toMatchObject({ error: { data: { code: "INVALID_CREDENTIALS" } } });
    expect(await attempt("john", "wrong")).toEqual(unknown);
    await users.setDisabled(found?.user.id ?? "", true);
    expect(await attempt("john", "secret")).toEqual(unknown);
    expect(await attempt("john", "wrong")).toEqual(unknown);
  });

  it("[S77] starts a new session each time", async () => {
    await using server = await start();
    const sessionOf = async () => {
      const { accessToken } = await server.domain.signIn.withPassword({ username: "john", password: "secret" });
      return (await server.domain.guard.authenticate({ kind: "bearer", token: accessToken })).session.id;
    };
    expect(await sessionOf()).not.toBe(await sessionOf());
  });

  it("[S80] ends with the account's disabling, at the very next call", async () => {
    await using server = await start();
    const { signIn, guard, users } = server.domain;
    const { accessToken, user } = await signIn.withPassword({ username: "john", password: "secret" });
    await guard.authenticate({ kind: "bearer", token: accessToken });
    await users.setDisabled(user.id, true);
    await expect(guard.authenticate({ kind: "bearer", token: accessToken })).rejects.toMatchObject({
      code: "INVALID_TOKEN",
    });
  });
});
