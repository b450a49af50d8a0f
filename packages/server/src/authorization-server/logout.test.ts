import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { createRemoteJWKSet, decodeJwt, jwtVerify } from "jose";
import * as client from "openid-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { engines } from "../../test/engines.ts";
import {
  type Browser,
  beginAuthorization,
  callback,
  callWith,
  connect,
  inputsOf,
  openBrowser,
  registerClient,
  type Server,
  shownBy,
  signedInBrowser,
  startAuthorizationServer,
  startOn,
} from "./testing.ts";

let server: Server;
let app: Awaited<ReturnType<typeof registerClient>>;
let receiver: Awaited<ReturnType<typeof startReceiver>>;

beforeAll(async () => {
  receiver = await startReceiver();
  server = await startAuthorizationServer({ config: { registration: "open" } });
  app = await registerClient(server);
});
afterAll(async () => {
  await server.close();
  await receiver.close();
});

const bye = "https://photos.example/bye";

const signedIn = async () => {
  const browser = await signedInBrowser(server);
  return browser;
};

const confirm = (browser: Browser, form: URLSearchParams | Record<string, string>) =>
  browser.follow("/logout/confirm", {
    method: "POST",
    body: new URLSearchParams(form).toString(),
    headers: { "content-type": "application/x-www-form-urlencoded" },
  });

/** Whether a request with prompt=none succeeds. */
const isKnown = async (browser: Browser, config = app.config) => {
  const { url } = await beginAuthorization(config, { prompt: "none" });
  return (await browser.follow(url)).url.searchParams.has("code");
};

const endSession = (tokens: { id_token?: string | undefined }, parameters: Record<string, string> = {}) =>
  client.buildEndSessionUrl(app.config, {
    ...(tokens.id_token !== undefined && { id_token_hint: tokens.id_token }),
    post_logout_redirect_uri: bye,
    state: "s",
    ...parameters,
  });

describe("a client that asks to sign a person out", () => {
  it("[S61] has them asked first, then signs them out here as well, and redirects them back", async () => {
    const browser = await signedIn();
    const tokens = await connect(browser, app.config);
    expect((await browser.rpc("session.list", undefined, "query")).status).toBe(200);

    const asked = await browser.follow(endSession(tokens));
    const policy = asked.response?.headers.get("content-security-policy");
    const page = await shownBy(asked.response);
    expect(page).toMatchObject({ page: "sign_out", action: "/logout/confirm", client: { id: app.id } });
    expect(policy).toContain("form-action 'self' https://photos.example");
    expect((await browser.rpc("session.list", undefined, "query")).status).toBe(200);

    const token = page?.page === "sign_out" ? page.token : "";
    const back = await confirm(browser, { xsrf: token, logout: "yes" });
    expect(back.url.href).toBe(`${bye}?state=s`);
    expect((await browser.rpc("session.list", undefined, "query")).code).toBe("INVALID_TOKEN");
    expect(await isKnown(browser)).toBe(false);
    // Grants stay: signing out does not revoke them.
    expect((await callWith(server, "/users/me", tokens.access_token)).status).toBe(200);
  });

  it("[S61] is refused with a form that another page made", async () => {
    const browser = await signedIn();
    const tokens = await connect(browser, app.config, { prompt: "consent" });
    await browser.follow(endSession(tokens));
    for (const xsrf of ["", "x"]) {
      expect((await confirm(browser, { xsrf, logout: "yes" })).response?.status).toBe(400);
    }
    expect((await browser.rpc("session.list", undefined, "query")).status).toBe(200);
  });

  it("changes nothing when the person declines, and the session stays bound to ours", async () => {
    const browser = await signedIn();
    const tokens = await connect(browser, app.config, { prompt: "consent" });
    const other = await registerClient(server);
    await connect(browser, other.config);
    const page = await shownBy((await browser.follow(endSession(tokens))).response);
    const token = page?.page === "sign_out" ? page.token : "";
    await confirm(browser, { xsrf: token });
    expect((await browser.rpc("session.list", undefined, "query")).status).toBe(200);
    expect(await isKnown(browser, other.config)).toBe(true);
    await browser.rpc("auth.logout", undefined);
    expect(await isKnown(browser, other.config)).toBe(false);
  });

  it("[S3] redirects nobody to an unregistered URI", async () => {
    const browser = await signedIn();
    const tokens = await connect(browser, app.config, { prompt: "consent" });
    for (const uri of ["https://evil.example/", callback, `${bye}/`, `${bye}?x`, "javascript:alert(1)"]) {
      const { response, url } = await browser.follow(endSession(tokens, { post_logout_redirect_uri: uri }));
      expect([url.origin, response?.status]).toEqual([server.url, 400]);
    }
    // Without a client, no URI is registered.
    const { response } = await browser.follow(`/logout?post_logout_redirect_uri=${encodeURIComponent(bye)}`);
    const page = await shownBy(response);
    const left = await confirm(browser, { xsrf: page?.page === "sign_out" ? page.token : "", logout: "yes" });
    expect([left.url.pathname, await shownBy(left.response)]).toEqual(["/logout/success", { page: "signed_out" }]);
  });

  it("can only send a hint that this server issued", async () => {
    const browser = await signedIn();
    const [header, , signature] = String((await connect(browser, app.config, { prompt: "consent" })).id_token).split(
      ".",
    );
    const claims = Buffer.from(JSON.stringify({ aud: app.id, sub: "x", iss: server.url })).toString("base64url");
    for (const id_token of ["x", "a.b.c", `${header}.${claims}.${signature}`]) {
      expect((await browser.follow(endSession({ id_token }))).response?.status).toBe(400);
    }
  });

  it("submits a form for a person who is not signed in", async () => {
    const browser = openBrowser(server);
    const { response } = await browser.follow(endSession({}, { client_id: app.id }));
    expect(response?.headers.get("content-security-policy")).toContain("form-action 'self' https://photos.example");
    const back = await confirm(browser, inputsOf((await response?.text()) ?? ""));
    expect(back.url.href).toBe(`${bye}?state=s`);
  });
});

describe("[S60] a client with a back-channel logout URI", () => {
  /** A client with a logout URI. */
  const listening = async (metadata: Partial<client.ClientMetadata> = {}) => {
    const config = await client.dynamicClientRegistration(
      new URL(server.url),
      {
        redirect_uris: [callback],
        post_logout_redirect_uris: [bye],
        backchannel_logout_uri: `${receiver.url}/logout`,
        backchannel_logout_session_required: true,
        ...metadata,
      },
      undefined,
      { execute: [client.allowInsecureRequests] },
    );
    const browser = await signedIn();
    const tokens = await connect(browser, config);
    return { browser, tokens, clientId: config.clientMetadata().client_id };
  };

  const isTold = async (tokens: Awaited<ReturnType<typeof connect>>, clientId: string) => {
    const { payload, protectedHeader } = await jwtVerify(
      await receiver.next(),
      createRemoteJWKSet(new URL(`${server.url}/jwks`)),
      {
        issuer: server.config.publicUrl,
        audience: clientId,
        requiredClaims: ["iat", "exp", "jti"],
      },
    );
    const { sub, sid } = decodeJwt(String(tokens.id_token));
    expect(protectedHeader.typ).toBe("logout+jwt");
    expect(payload).toMatchObject({ sub, sid, events: { "http://schemas.openid.net/event/backchannel-logout": {} } });
    expect(payload).not.toHaveProperty("nonce");
    expect(Number(payload.exp) - Number(payload.iat)).toBeLessThanOrEqual(120);
  };

  it("gets a logout token of ours when another client asked for the sign-out", async () => {
    const { browser, tokens, clientId } = await listening();
    await connect(browser, app.config);
    const page = await shownBy((await browser.follow(endSession({}, { client_id: app.id }))).response);
    await confirm(browser, { xsrf: page?.page === "sign_out" ? page.token : "", logout: "yes" });
    await isTold(tokens, clientId);
  });

  it("is notified when they sign out of a first-party client", async () => {
    const { browser, tokens, clientId } = await listening();
    await browser.rpc("auth.logout", undefined);
    await isTold(tokens, clientId);
  });

  it.each(["ES256", "RS256"])("gets a signature with the algorithm that it registered: %s", async (alg) => {
    const { browser } = await listening({ id_token_signed_response_alg: alg });
    await browser.rpc("auth.logout", undefined);
    const keys = createRemoteJWKSet(new URL(`${server.url}/jwks`));
    const { protectedHeader } = await jwtVerify(await receiver.next(), keys);
    expect(protectedHeader.alg).toBe(alg);
  });

  it("is notified once when their session is ended elsewhere", async () => {
    const { browser, tokens, clientId } = await listening();
    const other = await signedIn();
    await other.rpc("session.revokeOthers", undefined);
    await isTold(tokens, clientId);
    expect(receiver.waiting()).toBe(0);
    expect(await isKnown(browser)).toBe(false);
  });
});

describe.each(engines)("a server on $engine", ({ newDatabase }) => {
  it("shuts down in order right after a session has ended", async () => {
    for (let round = 0; round < 3; round++) {
      const server = await startOn(newDatabase);
      const { config } = await registerClient(server);
      const browser = await signedInBrowser(server);
      await connect(browser, config);
      await browser.rpc("auth.logout", undefined);
      await expect(server[Symbol.asyncDispose]()).resolves.toBeUndefined();
    }
  });
});

/** A client's endpoint for logout tokens. */
const startReceiver = async () => {
  const arrived: string[] = [];
  let notify: () => void = () => {};
  const bodyOf = async (request: IncomingMessage) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString();
  };
  const http = createServer(async (request, response) => {
    arrived.push(new URLSearchParams(await bodyOf(request)).get("logout_token") ?? "");
    notify();
    response.writeHead(200).end();
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    waiting: () => arrived.length,
    async next(): Promise<string> {
      while (arrived.length === 0)
        await new Promise<void>((resolve) => {
          notify = resolve;
        });
      return arrived.shift() ?? "";
    },
    close: () => new Promise<unknown>((resolve) => http.close(resolve)),
  };
};
