// GitHub, in the shape of a GitHub Enterprise Server on this machine: with its API behind the same host.

import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { openBrowser } from "../../test/browser-trip.ts";
import { startTestServer } from "../testing.ts";
import { parseIdentityProviders } from "./identity-provider-settings.ts";

const account = { id: 583231, login: "octocat", name: "The Octocat" };
const emails = [
  { email: "second@example.org", primary: false, verified: true },
  { email: "octocat@example.org", primary: true, verified: true },
];

/** GitHub's responses by path; a function gets the request. */
type Answers = Record<string, unknown>;

const start = async (answers: Answers = {}) => {
  const asked: { path: string; body: URLSearchParams; authorization: string | undefined }[] = [];
  const github = createServer(async (request: IncomingMessage, response) => {
    const path = request.url ?? "";
    asked.push({ path, body: new URLSearchParams(await text(request)), authorization: request.headers.authorization });
    const answer = {
      "/login/oauth/access_token": { access_token: "gho_x", token_type: "bearer", scope: "read:user,user:email" },
      "/api/v3/user": account,
      "/api/v3/user/emails": emails,
      ...answers,
    }[path];
    response.writeHead(answer === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(answer ?? {}));
  });
  await new Promise<void>((resolve) => github.listen(0, "127.0.0.1", resolve));
  const issuer = `http://localhost:${(github.address() as AddressInfo).port}`;
  const parsed = parseIdentityProviders(
    JSON.stringify({ github: { issuer, clientId: "ours", clientSecret: "secret", allowPrivateAddresses: true } }),
  );
  if ("faults" in parsed) throw new Error(parsed.faults.join());
  const server = await startTestServer({ config: { providers: parsed.providers } });
  const browser = openBrowser(server.app);
  return {
    ...server,
    issuer,
    asked,
    async trip(change: Record<string, string> = {}) {
      const left = new URL(String((await browser.visit("/login/github")).headers.location));
      const answer = new URLSearchParams({ code: "a code", state: left.searchParams.get("state") ?? "", ...change });
      const back = await browser.visit(`/login/github/callback?${answer}`, "cross-site");
      return { left, location: back.headers.location };
    },
    async [Symbol.asyncDispose]() {
      await server.close();
      github.closeAllConnections();
      await new Promise((resolve) => github.close(resolve));
    },
  };
};

describe("GitHub", () => {
  it("[S52] identifies a person by the number that its API returns for the token", async () => {
    await using server = await start();
    const { left, location } = await server.trip();
    expect(left.origin + left.pathname).toBe(`${server.issuer}/login/oauth/authorize`);
    expect(left.searchParams.get("scope")).toBe("read:user user:email");
    expect(left.searchParams.get("code_challenge_method")).toBe("S256");
    expect(location).toBe("/");
    const [token, ...api] = server.asked;
    expect(Object.fromEntries(token?.body ?? [])).toMatchObject({
      client_id: "ours",
      client_secret: "secret",
      code_verifier: expect.stringMatching(/^[\w-]{43}$/),
    });
    expect(api.map(({ authorization }) => authorization)).toEqual(["Bearer gho_x", "Bearer gho_x"]);
    const found = await server.domain.identities.find({ issuer: server.issuer, subject: "583231" });
    expect(await server.domain.users.find(found?.userId ?? "")).toMatchObject({
      username: "octocat",
      fullName: "The Octocat",
      email: "octocat@example.org",
    });
  });

  it("[S96] never counts as a fresh sign-in, since it does not say when the person signed in", async () => {
    await using server = await start();
    await server.trip();
    const sessions = await server.db.selectFrom("sessions").select("authenticated_at").execute();
    expect(sessions).toEqual([{ authenticated_at: 0 }]);
  });

  it("does not identify a person by a login that another person took over", async () => {
    const answers: Answers = {};
    await using server = await start(answers);
    await server.trip();
    answers["/api/v3/user"] = { ...account, id: 2 };
    answers["/api/v3/user/emails"] = [];
    await server.trip();
    expect((await server.domain.users.list({ limit: 10 })).map(({ username }) => username)).toHaveLength(3);
  });

  it.each<[string, Answers, Record<string, string>, string]>([
    ["the person cancels", {}, { error: "access_denied" }, "cancelled"],
    ["the state is not ours", {}, { state: "x".repeat(22) }, "expired"],
    ["an answer names another issuer", {}, { iss: "https://evil.example" }, "untrusted"],
    ["the code is no good", { "/login/oauth/access_token": { error: "bad_verification_code" } }, {}, "refused"],
    ["its API says nothing", { "/api/v3/user": undefined }, {}, "unavailable"],
    ["its API names nobody", { "/api/v3/user": { login: "octocat" } }, {}, "untrusted"],
  ])("signs nobody in when %s", async (_name, answers, change, problem) => {
    await using server = await start(answers);
    expect((await server.trip(change)).location).toBe(`/sign-in?problem=${problem}&provider=github`);
    expect(await server.domain.users.list({ limit: 10 })).toHaveLength(1);
  });
});
