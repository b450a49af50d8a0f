import { describe, expect, it } from "vitest";
import { engines } from "../../../test/engines.ts";
import { grantedToken, john, startTestServer, testSource } from "../../testing.ts";

describe.each(engines)("disabling an account on $engine", ({ newDatabase }) => {
  it("revokes its grants, which enabling does not restore [S80]", async () => {
    const database = await newDatabase("migrated");
    await using server = await startTestServer({ databaseUrl: database.url });
    const { users, accounts, grants } = server.domain;
    const userId = (await users.findByLogin(john.username))?.user.id ?? "";
    await grantedToken(server, userId, ["profile:read"]);
    await accounts.disable(userId, testSource);
    await accounts.enable(userId, testSource);
    expect(await grants.list(userId)).toEqual([]);
  });
});
