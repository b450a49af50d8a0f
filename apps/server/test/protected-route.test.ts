import { grantedToken, signInAs } from "@lockstep/server/testing";
import { describe, expect, it } from "vitest";
import { type AppServer, startAppServer } from "../src/testing.ts";

const call = async ({ url }: AppServer, accessToken: string | null) => {
  const headers = accessToken === null ? {} : { authorization: `Bearer ${accessToken}` };
  const response = await fetch(`${url}/protected-route`, { headers });
  return { status: response.status, headers: response.headers, body: await response.json() };
};

describe("GET /protected-route", () => {
  it("greets the signed-in user by name", async () => {
    await using server = await startAppServer();
    const { accessToken } = await signInAs(server);
    expect(await call(server, accessToken)).toMatchObject({
      status: 200,
      body: { message: "Hello, John Doe! This is a protected route." },
    });
  });

  it("answers 401 with a challenge to a call without a token, and 403 to a client without the scope", async () => {
    await using server = await startAppServer();
    const anonymous = await call(server, null);
    expect(anonymous).toMatchObject({ status: 401, body: { code: "UNAUTHENTICATED" } });
    expect(anonymous.headers.get("www-authenticate")).toMatch(/^Bearer resource_metadata=/);

    const { user } = await signInAs(server);
    const { accessToken } = await grantedToken(server, user.id, ["profile:write"]);
    const narrow = await call(server, accessToken);
    expect(narrow).toMatchObject({ status: 403, body: { code: "INSUFFICIENT_SCOPE", scopes: ["profile:read"] } });
    expect(narrow.headers.get("www-authenticate")).toContain('error="insufficient_scope", scope="profile:read"');
  });
});
