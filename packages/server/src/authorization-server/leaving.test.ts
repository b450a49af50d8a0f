// A browser is redirected without a click only to a known client (RFC 9700 §4.11.2).

import { RegisterClientInput } from "@lockstep/kit";
import type * as client from "openid-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testSource } from "../testing.ts";
import {
  addPerson,
  beginAuthorization,
  connect,
  discover,
  inputsOf,
  openBrowser,
  type Server,
  shownBy,
  signedInBrowser,
  startAuthorizationServer,
} from "./testing.ts";

const evil = "https://evil.example/callback";
const bye = "https://evil.example/bye";

let server: Server;
let attacker: { userId: string };

beforeAll(async () => {
  server = await startAuthorizationServer();
  attacker = { userId: (await addPerson(server, "mallory")).id };
  await addPerson(server, "mary");
});
afterAll(() => server.close());

const evilApp = RegisterClientInput.parse({
  name: "Free wallpapers",
  kind: "web",
  redirectUris: [evil],
  postLogoutRedirectUris: [bye],
  scopes: ["profile:read"],
});

/** A client that a user registered, as anybody can. */
const register = async ({ verified = false } = {}) => {
  const { client: app, secret } = await server.domain.clients.register(evilApp, attacker, testSource);
  if (verified) await server.domain.clients.setVerified(app.id, true, testSource);
  return { id: app.id, config: await discover(server, app.id, secret) };
};

const signedIn = async (username = "john") => {
  const browser = await signedInBrowser(server, username);
  return browser;
};

const ask = async (config: client.Configuration, parameters: Record<string, string>) =>
  (await beginAuthorization(config, { redirect_uri: evil, ...parameters })).url;

/** Errors that happen without a click of the person. */
const mistakes: Record<string, string>[] = [
  { response_type: "token" },
  { code_challenge_method: "plain" },
  { scope: "profile:write" },
  { prompt: "none" },
  { prompt: "none login" },
  { resource: "https://other.example" },
  { response_type: "token", response_mode: "fragment" },
  { max_age: "x" },
];

describe("a refused request", () => {
  it.each(mistakes)("does not redirect to an unverified client without a click: %j", async (parameters) => {
    const { id, config } = await register();
    for (const browser of [openBrowser(server), await signedIn()]) {
      const { url, response } = await browser.follow(await ask(config, parameters));
      expect([url.origin, response?.status, response?.headers.get("location")]).toEqual([server.url, 400, null]);
      const page = await shownBy(response);
      expect(page).toMatchObject({ page: "leave", to: "evil.example", client: { id, verified: false } });
      if (page?.page !== "leave") throw new Error("There is no page to leave from");
      // What the client would have received.
      const there = new URL(page.action);
      const sent = new URLSearchParams(there.search || there.hash.slice(1));
      expect(there.origin + there.pathname).toBe(evil);
      expect(sent.get("error")).toBe(page.refusal?.error);
      expect(sent.get("iss")).toBe(server.url);
    }
  });

  it("needs a click too when the response is a form", async () => {
    const { config } = await register();
    const asked = await ask(config, { prompt: "none", response_mode: "form_post", state: `"><script>` });
    const { response } = await (await signedIn()).follow(asked);
    const policy = response?.headers.get("content-security-policy");
    expect(policy).toContain("form-action 'self' https://evil.example");
    expect(policy).not.toContain("'sha256-");
    const state = `"><script>`;
    expect(await shownBy(response)).toMatchObject({
      ...{ page: "leave", to: "evil.example", action: evil },
      fields: { error: "login_required", state, iss: server.url },
    });
  });

  it("redirects to a verified client at once", async () => {
    const { config } = await register({ verified: true });
    for (const parameters of mistakes) {
      const { url } = await openBrowser(server).follow(await ask(config, parameters));
      expect([parameters, url.origin]).toEqual([parameters, "https://evil.example"]);
    }
  });

  it("redirects at once for a person who granted the client access, and for nobody else", async () => {
    const { config } = await register();
    const browser = await signedIn();
    await connect(browser, config, { redirect_uri: evil });
    const { url } = await browser.follow(await ask(config, { code_challenge_method: "plain" }));
    expect([url.origin, url.searchParams.get("error")]).toEqual(["https://evil.example", "invalid_request"]);

    const other = await signedIn("mary");
    const elsewhere = await other.follow(await ask(config, { response_type: "token" }));
    expect(elsewhere.url.origin).toBe(server.url);
  });

  it("[S85] needs a click again once the client's owner has changed it, and once the person revoked their grant", async () => {
    for (const change of ["owner", "person"]) {
      const { id, config } = await register();
      const browser = await signedIn();
      await connect(browser, config, { redirect_uri: evil });
      if (change === "owner")
        await server.domain.clients.update(id, { ...evilApp, name: "Wallpapers" }, attacker, testSource);
      else await browser.rpc("grant.revoke", { clientId: id });
      const { url } = await browser.follow(await ask(config, { response_type: "token" }));
      expect([change, url.origin]).toEqual([change, server.url]);
    }
  });

  it("redirects at once when the person refused by a click", async () => {
    const { config } = await register();
    const browser = await signedIn();
    const asked = await browser.follow(await ask(config, {}));
    const { data } = await browser.rpc("authorization.deny", { authorizationId: browser.authorizationId(asked.url) });
    const { url } = await browser.follow(String(data?.["redirectTo"]));
    expect([url.origin, url.searchParams.get("error")]).toEqual(["https://evil.example", "access_denied"]);
  });
});

describe("signing out for a client", () => {
  const logout = (id: string, parameters: Record<string, string> = {}) =>
    `/logout?${new URLSearchParams({ client_id: id, post_logout_redirect_uri: bye, state: "s", ...parameters })}`;
  const confirm = (browser: Awaited<ReturnType<typeof signedIn>>, fields: Record<string, string>) =>
    browser.follow("/logout/confirm", {
      method: "POST",
      body: new URLSearchParams(fields).toString(),
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });

  it("redirects nobody to an unverified client without a click", async () => {
    const { id, config } = await register();
    // A hint for the attacker's own account proves nothing about this person.
    const { id_token } = await connect(await signedIn("mallory"), config, { redirect_uri: evil });
    for (const parameters of [{}, { id_token_hint: String(id_token) }]) {
      const browser = openBrowser(server);
      const { response } = await browser.follow(logout(id, parameters));
      const policy = response?.headers.get("content-security-policy");
      expect(policy).not.toContain("'sha256-");
      expect(policy).toContain("form-action 'self' https://evil.example");
      const page = await shownBy(response);
      expect(page).toMatchObject({ page: "leave", to: "evil.example", action: "/logout/confirm" });
      if (page?.page !== "leave" || !page.fields) throw new Error("There is no page to leave from");
      expect((await confirm(browser, page.fields)).url.href).toBe(`${bye}?state=s`);
    }
  });

  it("names the destination on the page that asks the user", async () => {
    const { id, config } = await register();
    const browser = await signedIn();
    await connect(browser, config, { redirect_uri: evil });
    expect(await shownBy((await browser.follow(logout(id))).response)).toMatchObject({
      page: "sign_out",
      returnsTo: "evil.example",
    });
  });

  it("redirects to a verified client and to our own page", async () => {
    const { id } = await register({ verified: true });
    for (const address of [logout(id), "/logout"]) {
      const browser = openBrowser(server);
      const { response } = await browser.follow(address);
      expect(response?.headers.get("content-security-policy")).toContain("'sha256-");
      const { url } = await confirm(browser, Object.fromEntries(inputsOf((await response?.text()) ?? "")));
      expect(url.pathname).toBe(address === "/logout" ? "/logout/success" : "/bye");
    }
  });
});
