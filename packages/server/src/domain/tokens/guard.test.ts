import { afterAll, beforeAll, expect, it } from "vitest";
import { grantedToken, john, startTestServer, testSource, typed } from "../../testing.ts";
import { claimsOf } from "../factors/assurance.ts";
import { firstPartyClientId } from "./tokens.ts";

let server: Awaited<ReturnType<typeof startTestServer>>;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const scopesOf = async (token: string) => {
  const principal = await server.domain.guard.authenticate({ kind: "bearer", token });
  return principal.kind === "thirdParty" ? [...principal.scopes] : principal.kind;
};

it("[S25] restricts a narrowed session to its scopes, whatever its token says", async () => {
  const { signIn, tokens } = server.domain;
  const login = typed(john.username, john.password);
  const { user, session } = await signIn.withPassword({ ...login, scopes: ["profile:read"] });
  const wide = {
    userId: user.id,
    sessionId: session.id,
    clientId: firstPartyClientId,
    scopes: server.domain.scopes.names,
    assurance: claimsOf(session),
  };
  const { accessToken } = await tokens.issue(wide);
  expect(await scopesOf(accessToken)).toEqual(["profile:read"]);
});

it("[S54] restricts a client to the scopes of its grant and of its token", async () => {
  const { signIn, grants } = server.domain;
  const { user } = await signIn.withPassword(typed(john.username, john.password));
  const { accessToken, clientId, grantId } = await grantedToken(server, user.id, ["profile:read", "profile:write"]);
  const grant = { id: grantId, userId: user.id, clientId, payload: {} };
  await grants.save({ ...grant, scopes: ["profile:read", "photos:read"] }, testSource);
  expect(await scopesOf(accessToken)).toEqual(["profile:read"]);
});
