import * as client from "openid-client";
import { describe, expect, it } from "vitest";
import { engines } from "../../test/engines.ts";
import {
  beginAuthorization,
  connect,
  openBrowser,
  registerClient,
  signedInBrowser,
  startAuthorizationServer,
  startOn,
} from "./testing.ts";

describe.each(engines)("a third-party client on $engine", ({ newDatabase }) => {
  it("signs a user in, calls the API, and refreshes its tokens", async () => {
    await using server = await startOn(newDatabase);
    const { config } = await registerClient(server);
    const browser = await signedInBrowser(server);

    const tokens = await connect(browser, config);
    expect(tokens).toMatchObject({ token_type: "bearer", expires_in: 600, scope: "openid profile profile:read" });
    expect(tokens.claims()).toMatchObject({ name: "John Doe", preferred_username: "john" });

    const me = await fetch(`${server.url}/users/me`, { headers: { authorization: `Bearer ${tokens.access_token}` } });
    expect([me.status, await me.json()]).toEqual([200, expect.objectContaining({ username: "john" })]);
    const userinfo = await client.fetchUserInfo(config, tokens.access_token, tokens.claims()?.sub ?? "");
    expect(userinfo).toEqual({ sub: tokens.claims()?.sub, name: "John Doe", preferred_username: "john" });

    const next = await client.refreshTokenGrant(config, tokens.refresh_token ?? "");
    expect(next.refresh_token).not.toBe(tokens.refresh_token);
  });
});

it("sends a person who is not signed in to a page that names the client", async () => {
  await using server = await startAuthorizationServer();
  const { config, id } = await registerClient(server);
  const browser = openBrowser(server);
  const { url } = await beginAuthorization(config, { login_hint: "john" });
  const asked = await browser.follow(url);
  expect(asked.url.pathname).toMatch(/^\/interaction\/[\w-]+$/);
  const { data } = await browser.rpc(
    "authorization.asker",
    { authorizationId: browser.authorizationId(asked.url) },
    "query",
  );
  expect(data).toEqual({
    client: { id, name: "A photo app", uri: "https://photos.example", verified: true },
    loginHint: "john",
  });
});
