// A third-party client against a complete authorization server, with a user who consents in a browser.

import {
  createClient,
  errorOf,
  errorReader,
  memoryTokens,
  sessionOf,
  type TokenStore,
  type Tokens,
} from "@lockstep/client";
import { createAuthorization, type PersonalAuthorization } from "@lockstep/client/oauth";
import { RegisterClientInput } from "@lockstep/kit";
import { openBrowser, startAuthorizationServer } from "@lockstep/server/authorization-server-testing";
import type { fixtureContract } from "@lockstep/server/fixture-app";
import { john, testSessionLimits, testSource } from "@lockstep/server/testing";
import { safe } from "@trpc/client";
import { describe, expect, it } from "vitest";
import { recorded } from "./requests.ts";

type Contract = typeof fixtureContract;

const redirectUri = "https://photos.example/callback";
const scopes = ["openid", "profile:read", "offline_access"] as const;

type Server = Awaited<ReturnType<typeof startAuthorizationServer>>;

/** A server with a client, and John, who is signed in in his browser. */
const start = async () => {
  // The long grace window makes a repeated refresh come in time on the slowest machine.
  let waitedMs = 0;
  const server = await startAuthorizationServer({
    // The server's clock moves while a device waits between polls; the tests themselves do not wait.
    now: () => Date.now() + waitedMs,
    config: { sessionLimits: { ...testSessionLimits, graceSeconds: 3600 } },
  });
  const { client } = await server.domain.clients.register(
    RegisterClientInput.parse({
      name: "A photo app",
      kind: "native",
      redirectUris: [redirectUri],
      scopes: ["profile:read", "photos:read"],
    }),
    "operator",
    testSource,
  );
  const browser = openBrowser(server);
  await browser.signIn();
  const network = recorded(globalThis.fetch);
  const issuer = server.config.publicUrl;
  return {
    server,
    browser,
    network,
    wait(ms: number) {
      waitedMs += ms;
    },
    issuer,
    clientId: client.id,
    /** The default options of an authorization. */
    options: { issuer, clientId: client.id, scopes, fetch: network.fetch },
    [Symbol.asyncDispose]: server.close,
  };
};
type Started = Awaited<ReturnType<typeof start>>;

/** Gets John's consent, and his tokens. */
const connect = async ({ browser }: Started, authorization: PersonalAuthorization<never>) => {
  const { url, pending } = await authorization.authorize({ redirectUri });
  return authorization.redeem(await browser.allow(url), pending);
};

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: { code?: string }) => error.code,
  );

const tokenRequests = ({ network }: Started) =>
  network.requests.filter(({ url }) => url.pathname === "/token").map(({ body }) => new URLSearchParams(body));

const userIdOf = async (server: Server) => (await server.domain.users.findByLogin(john.username))?.user.id;

describe("a third-party client", () => {
  it("sends a user to the server, and calls what they granted", async () => {
    await using app = await start();
    const authorization = createAuthorization(app.options);
    const client = createClient<Contract, "profile:read">({ url: app.server.url, authorization });
    expect(await connect(app, authorization)).toEqual({
      subject: await userIdOf(app.server),
      scopes: ["openid", "profile:read", "offline_access"],
    });
    expect((await client.user.me.query()).username).toBe(john.username);
    expect(await authorization.allows("profile:read")).toBe(true);
    expect(sessionOf(client).get().status).toBe("signedIn");
  });

  it("requests its scopes with PKCE, state and nonce, and without a resource", async () => {
    await using app = await start();
    const { url, pending } = await createAuthorization(app.options).authorize({
      redirectUri,
      loginHint: "john",
      maxAgeSeconds: 60,
    });
    const asked = Object.fromEntries(new URL(url).searchParams);
    expect(asked).toEqual({
      client_id: app.clientId,
      response_type: "code",
      redirect_uri: redirectUri,
      scope: "openid profile:read offline_access",
      state: pending.state,
      nonce: pending.nonce,
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: "S256",
      max_age: "60",
      login_hint: "john",
    });
    expect(url).not.toContain(pending.codeVerifier);
    const again = await createAuthorization(app.options).authorize({ redirectUri });
    expect(again.pending).not.toEqual(expect.objectContaining({ state: pending.state }));
    expect(JSON.parse(JSON.stringify(pending))).toEqual(pending);
  });

  it("fails with access_denied when the user refuses", async () => {
    await using app = await start();
    const authorization = createAuthorization(app.options);
    const { url, pending } = await authorization.authorize({ redirectUri });
    const asked = await app.browser.follow(url);
    const { data } = await app.browser.rpc("authorization.deny", {
      authorizationId: app.browser.authorizationId(asked.url),
    });
    const { url: back } = await app.browser.follow(String(data?.["redirectTo"]));
    expect(await codeOf(authorization.redeem(back, pending))).toBe("access_denied");
    expect(await authorization.tokens.get()).toBeNull();
  });

  it("on a server authenticates with its secret, whatever characters it has", async () => {
    await using app = await start();
    const { client, secret } = await app.server.domain.clients.register(
      RegisterClientInput.parse({
        name: "A web app",
        kind: "web",
        redirectUris: [redirectUri],
        scopes: ["profile:read"],
      }),
      "operator",
      testSource,
    );
    const of = (clientSecret: string) => createAuthorization({ ...app.options, clientId: client.id, clientSecret });
    await connect(app, of(secret ?? ""));
    expect(await codeOf(connect(app, of("wrong: +/=&%")))).toBe("invalid_client");
    expect(tokenRequests(app)[0]?.get("client_secret")).toBeNull();
  });
});

describe("an answer to another request is refused", () => {
  const begun = async (app: Started) => {
    const authorization = createAuthorization(app.options);
    const { url, pending } = await authorization.authorize({ redirectUri });
    return { authorization, pending, back: await app.browser.allow(url) };
  };

  it.each([
    ["another state", (back: URL) => back.searchParams.set("state", "another")],
    ["no state", (back: URL) => back.searchParams.delete("state")],
    ["another issuer", (back: URL) => back.searchParams.set("iss", "https://elsewhere.example")],
    ["no issuer", (back: URL) => back.searchParams.delete("iss")],
    ["two codes", (back: URL) => back.searchParams.append("code", "another")],
    ["an error of another server", (back: URL) => (back.search = "?error=access_denied&iss=https://elsewhere.example")],
  ])("with %s, before the code is sent anywhere [S56] [S57]", async (_, change) => {
    await using app = await start();
    const { authorization, pending, back } = await begun(app);
    change(back);
    expect(await codeOf(authorization.redeem(back, pending))).toBe("invalid_response");
    expect(tokenRequests(app)).toEqual([]);
    expect(await authorization.tokens.get()).toBeNull();
  });

  it("with the code of another request, by the nonce and by the verifier [S56]", async () => {
    await using app = await start();
    const { authorization, pending, back } = await begun(app);
    const { pending: other } = await authorization.authorize({ redirectUri });
    expect(await codeOf(authorization.redeem(back, { ...pending, nonce: other.nonce }))).toBe("invalid_response");
    const second = await begun(app);
    const withOther = { ...second.pending, codeVerifier: other.codeVerifier };
    expect(await codeOf(authorization.redeem(second.back, withOther))).toBe("invalid_grant");
    expect(await authorization.tokens.get()).toBeNull();
  });

  it("with an ID token that the server did not sign [S58]", async () => {
    await using app = await start();
    const { authorization, pending, back } = await begun(app);
    app.network.change = async (path, response) => {
      if (path !== "/token") return response;
      const body = (await response.json()) as { id_token: string };
      const [head, payload = "", signature] = body.id_token.split(".");
      const claims = JSON.parse(Buffer.from(payload, "base64url").toString());
      const forged = Buffer.from(JSON.stringify({ ...claims, sub: "somebody else" })).toString("base64url");
      return Response.json({ ...body, id_token: [head, forged, signature].join(".") });
    };
    expect(await codeOf(authorization.redeem(back, pending))).toBe("invalid_response");
    expect(await authorization.tokens.get()).toBeNull();
  });

  it("with an ID token that has expired by the server's clock, whatever this machine's clock says", async () => {
    await using app = await start();
    const { authorization, pending, back } = await begun(app);
    app.network.change = async (_, { body, status, headers }) => {
      const tomorrow = new Date(Date.now() + 24 * 3600_000).toUTCString();
      return new Response(body, { status, headers: { ...Object.fromEntries(headers), date: tomorrow } });
    };
    expect(await codeOf(authorization.redeem(back, pending))).toBe("invalid_response");
  });

  it("when it is redeemed a second time", async () => {
    await using app = await start();
    const { authorization, pending, back } = await begun(app);
    await authorization.redeem(back, pending);
    expect(await codeOf(authorization.redeem(back, pending))).toBe("invalid_grant");
  });
});

describe("an authorization server is refused", () => {
  it("when it has another issuer [S57]", async () => {
    await using app = await start();
    const issuer = app.issuer.replace("localhost", "127.0.0.1");
    const fetch: typeof globalThis.fetch = (input, init) =>
      globalThis.fetch(String(input).replace("127.0.0.1", "localhost"), init);
    const authorization = createAuthorization({ ...app.options, issuer, fetch });
    expect(await codeOf(authorization.authorize({ redirectUri }))).toBe("invalid_response");
  });

  it.each(["javascript:alert(1)", "file:///etc/passwd", "no address"])(
    "when its metadata sends the user to %s",
    async (address) => {
      await using app = await start();
      app.network.change = async (path, response) =>
        path.startsWith("/.well-known/")
          ? Response.json({ ...((await response.json()) as object), authorization_endpoint: address })
          : Response.json({ ...((await response.json()) as object), verification_uri: address });
      expect(await codeOf(createAuthorization(app.options).authorize({ redirectUri }))).toBe("invalid_response");
      expect(await codeOf(createAuthorization(app.options).authorizeDevice())).toBe("invalid_response");
    },
  );

  it.each(["http://api.example.com", "http://localhost.example.com", "ftp://localhost"])(
    "with the issuer %s, which is not https",
    (issuer) => {
      expect(() => createAuthorization({ issuer, clientId: "app", scopes })).toThrow(TypeError);
    },
  );

  it("as unreachable when a gateway answers in its place, until the next attempt discovers it", async () => {
    await using app = await start();
    app.network.answer = async () => new Response("<h1>502</h1>", { status: 502 });
    const authorization = createAuthorization(app.options);
    expect(await codeOf(authorization.authorize({ redirectUri }))).toBe("unreachable");
    app.network.answer = async () => new Response("<h1>Sign in to this hotel</h1>", { status: 200 });
    expect(await codeOf(authorization.authorize({ redirectUri }))).toBe("unreachable");
    app.network.answer = () => null;
    expect(await codeOf(authorization.authorize({ redirectUri }))).toBeNull();
  });
});

describe("refreshing", () => {
  /** A client whose access token has expired by the client's clock. */
  const expired = async (app: Started, tokens: TokenStore = memoryTokens()) => {
    let aheadMs = 0;
    const now = () => Date.now() + aheadMs;
    const authorization = createAuthorization({ ...app.options, tokens, now });
    await connect(app, authorization);
    const reasons: string[] = [];
    const open = () =>
      createClient<Contract, "profile:read">({
        url: app.server.url,
        authorization,
        now,
        fetch: app.network.fetch,
        onSignedOut: (reason) => reasons.push(reason),
      });
    const client = open();
    await client.user.me.query();
    aheadMs = 24 * 3600_000;
    app.network.requests.length = 0;
    return { authorization, client, open, reasons, tokens };
  };

  it("happens once for all calls and clients of a store, and stores the new refresh token", async () => {
    await using app = await start();
    const { open, client, tokens } = await expired(app);
    const before = await tokens.get();
    const answers = await Promise.all([client, open(), open()].map((each) => each.user.me.query()));
    expect(answers.map(({ username }) => username)).toEqual(Array(3).fill(john.username));
    expect(tokenRequests(app).map((body) => body.get("grant_type"))).toEqual(["refresh_token"]);
    const after = await tokens.get();
    expect(after).toEqual({
      accessToken: expect.any(String),
      refreshToken: expect.any(String),
      expiresAt: expect.any(Number),
      refreshAt: expect.any(Number),
      sessionId: before?.sessionId,
      scopes: ["openid", "profile:read", "offline_access"],
    });
    expect(after?.refreshToken).not.toBe(before?.refreshToken);
    expect(after?.accessToken).not.toBe(before?.accessToken);
  });

  it("happens when the server refuses a token that has not expired by the client's clock", async () => {
    await using app = await start();
    const tokens = memoryTokens();
    const authorization = createAuthorization({ ...app.options, tokens });
    await connect(app, authorization);
    const tokensBefore = tokens.get() as Tokens;
    tokens.set({ ...tokensBefore, accessToken: `${tokensBefore.accessToken}x` });
    const client = createClient<Contract, "profile:read">({ url: app.server.url, authorization });
    expect((await client.user.me.query()).username).toBe(john.username);
    expect(tokens.get()?.refreshToken).not.toBe(tokensBefore.refreshToken);
  });

  it("can be repeated after a lost answer", async () => {
    await using app = await start();
    const { client, tokens } = await expired(app);
    app.network.lose = (path) => path === "/token";
    // By the server's clock the current access token is still valid.
    expect((await client.user.me.query()).username).toBe(john.username);
    const before = await tokens.get();
    app.network.lose = () => false;
    await tokens.set({ ...(before as Tokens), accessToken: "refused" });
    expect((await client.user.me.query()).username).toBe(john.username);
    expect((await tokens.get())?.refreshToken).not.toBe(before?.refreshToken);
  });

  it("ends the session when the user has revoked the grant, and calls onSignedOut once", async () => {
    await using app = await start();
    const { client, reasons, tokens } = await expired(app);
    const { status } = await app.browser.rpc("grant.revoke", { clientId: app.clientId });
    expect(status).toBe(200);
    const answers = await Promise.all([safe(client.user.me.query()), safe(client.user.me.query())]);
    expect(answers.map(([, error]) => errorOf("user.me", error)?.code)).toEqual(["UNAUTHENTICATED", "UNAUTHENTICATED"]);
    expect(await tokens.get()).toBeNull();
    expect(reasons).toEqual(["unknown"]);
    expect(sessionOf(client).get()).toEqual({ status: "signedOut", reason: "unknown" });
  });

  it.each([
    ["fails", async () => Response.json({ error: "server_error" }, { status: 500 })],
    ["does not know the client", async () => Response.json({ error: "invalid_client" }, { status: 401 })],
    ["cannot be reached", () => Promise.reject(new TypeError("fetch failed"))],
  ])("does not end the session when the server %s", async (_, answer) => {
    await using app = await start();
    const { client, tokens, reasons } = await expired(app);
    const before = (await tokens.get()) as Tokens;
    app.network.answer = (path) => (path === "/token" ? answer() : null);
    await tokens.set({ ...before, accessToken: "refused" });
    const [, error] = await safe(client.user.me.query());
    expect(errorOf("user.me", error)?.code).toBe("UNREACHABLE");
    expect((await tokens.get())?.refreshToken).toBe(before.refreshToken);
    app.network.answer = () => null;
    expect((await client.user.me.query()).username).toBe(john.username);
    expect(reasons).toEqual([]);
  });
});

describe("a device without a browser", () => {
  /** A device that has requested a code. Its waits are the test's. */
  const waiting = async (app: Started, { abort }: { abort?: AbortController } = {}) => {
    const waits: number[] = [];
    let aheadMs = 0;
    // What happens during each wait of the device. After the last one the test fails.
    const meanwhile: (() => unknown)[] = [];
    const authorization = createAuthorization({
      ...app.options,
      now: () => Date.now() + aheadMs,
      sleep: async (ms, signal) => {
        waits.push(ms / 1000);
        app.wait(ms);
        const happens = meanwhile.shift();
        if (!happens) throw new Error("The device waits more often than the test expects");
        await happens();
        signal?.throwIfAborted();
      },
    });
    const device = await authorization.authorizeDevice();
    return {
      authorization,
      device,
      waits,
      meanwhile,
      redeem: () => device.redeem(abort && { signal: abort.signal }),
      advanceSeconds(seconds: number) {
        aheadMs += seconds * 1000;
      },
    };
  };
  const nothing = () => {};

  it("shows a code, waits for the user's answer on another device, and calls what they granted", async () => {
    await using app = await start();
    const { authorization, device, meanwhile, waits, redeem } = await waiting(app);
    expect(device).toMatchObject({
      userCode: expect.stringMatching(/^[A-Z]{4}-[A-Z]{4}$/),
      verificationUri: `${app.issuer}/device`,
      verificationUriComplete: `${app.issuer}/device?user_code=${device.userCode}`,
    });
    meanwhile.push(nothing, nothing, () => app.browser.enterCode(device.userCode));
    expect(await redeem()).toEqual({
      subject: await userIdOf(app.server),
      scopes: ["openid", "profile:read", "offline_access"],
    });
    expect(waits).toEqual([5, 5, 5]);
    const client = createClient<Contract, "profile:read">({ url: app.server.url, authorization });
    expect((await client.user.me.query()).username).toBe(john.username);
  });

  it("fails with access_denied when the user refuses", async () => {
    await using app = await start();
    const { device, meanwhile, redeem } = await waiting(app);
    meanwhile.push(() => app.browser.enterCode(device.userCode, "deny"));
    expect(await codeOf(redeem())).toBe("access_denied");
  });

  it("polls less often after each `slow_down` (RFC 8628 §3.5)", async () => {
    await using app = await start();
    const { device, meanwhile, waits, redeem } = await waiting(app);
    const slowDown = () => {
      app.network.answer = (path) =>
        path === "/token" ? Promise.resolve(Response.json({ error: "slow_down" }, { status: 400 })) : null;
    };
    const goOn = () => {
      app.network.answer = () => null;
    };
    meanwhile.push(slowDown, nothing, goOn, nothing, () => app.browser.enterCode(device.userCode));
    await redeem();
    expect(waits).toEqual([5, 10, 15, 15, 15]);
  });

  it("backs off while the server cannot be reached, and continues afterwards", async () => {
    await using app = await start();
    const { device, meanwhile, waits, redeem } = await waiting(app);
    const vanish = () => {
      app.network.answer = () => Promise.reject(new TypeError("fetch failed"));
    };
    const appear = () => {
      app.network.answer = () => null;
      return app.browser.enterCode(device.userCode);
    };
    meanwhile.push(vanish, nothing, nothing, nothing, appear);
    await redeem();
    expect(waits).toEqual([5, 10, 20, 30, 30]);
  });

  it("stops when the code has expired, without another poll", async () => {
    await using app = await start();
    const { device, meanwhile, redeem, advanceSeconds } = await waiting(app);
    meanwhile.push(nothing, () => advanceSeconds((device.expiresAt - Date.now()) / 1000 + 1));
    expect(await codeOf(redeem())).toBe("expired_token");
    expect(tokenRequests(app)).toHaveLength(1);
  });

  it("stops when its caller aborts", async () => {
    await using app = await start();
    const abort = new AbortController();
    const { meanwhile, redeem } = await waiting(app, { abort });
    const reason = new Error("closed");
    meanwhile.push(nothing, () => abort.abort(reason));
    await expect(redeem()).rejects.toBe(reason);
    expect(tokenRequests(app)).toHaveLength(1);
  });

  it("stops a real timer when its caller aborts", async () => {
    await using app = await start();
    const { redeem } = await createAuthorization(app.options).authorizeDevice();
    const abort = new AbortController();
    const stopped = redeem({ signal: abort.signal });
    abort.abort();
    await expect(stopped).rejects.toBe(abort.signal.reason);
    await expect(redeem({ signal: abort.signal })).rejects.toBe(abort.signal.reason);
  });
});

describe("revoking the access", () => {
  it("revokes the grant on the server, and removes the tokens", async () => {
    await using app = await start();
    const authorization = createAuthorization(app.options);
    const reasons: string[] = [];
    const client = createClient<Contract, "profile:read">({
      url: app.server.url,
      authorization,
      onSignedOut: (reason) => reasons.push(reason),
    });
    await connect(app, authorization);
    await client.user.me.query();
    const tokensBefore = (await authorization.tokens.get()) as Tokens;

    await authorization.revoke();
    expect(await authorization.tokens.get()).toBeNull();
    expect(sessionOf(client).get().status).toBe("signedOut");
    expect(reasons).toEqual(["signed_out"]);
    const thief = createClient<Contract, "profile:read">({ url: app.server.url, tokens: memoryTokens(tokensBefore) });
    const [, error] = await safe(thief.user.me.query());
    expect(errorOf("user.me", error)?.code).toBe("INVALID_TOKEN");
    expect(await authorization.refresh(tokensBefore)).toBeNull();
    await authorization.revoke();
  });

  it("keeps the tokens when the server cannot be reached, so that revoking can be repeated", async () => {
    await using app = await start();
    const authorization = createAuthorization(app.options);
    await connect(app, authorization);
    app.network.answer = (path) => (path === "/revoke" ? Promise.reject(new TypeError("fetch failed")) : null);
    expect(await codeOf(authorization.revoke())).toBe("unreachable");
    expect(await authorization.tokens.get()).not.toBeNull();
    app.network.answer = () => null;
    await authorization.revoke();
    expect(await authorization.tokens.get()).toBeNull();
  });
});

describe("a call whose scopes the user has not granted", () => {
  const both = ["profile:read", "photos:read"] as const;

  /** An app that asks for more scopes than its tokens have. */
  const outgrown = async (app: Started, answer: () => Promise<boolean>) => {
    const tokens = memoryTokens();
    await connect(app, createAuthorization({ ...app.options, tokens }));
    const authorization = createAuthorization({ ...app.options, tokens, scopes: both });
    const events: unknown[] = [];
    const client = createClient<Contract, "profile:read" | "photos:read">({
      url: app.server.url,
      authorization,
      fetch: app.network.fetch,
      async onConsentNeeded(event) {
        events.push(event);
        if (!(await answer())) return false;
        const { url, pending } = await authorization.authorize({ redirectUri });
        await authorization.redeem(await app.browser.allow(url), pending);
        return true;
      },
    });
    return { client, authorization, events };
  };

  it("asks them once for all calls that wait, and is repeated when they consent", async () => {
    await using app = await start();
    const { client, authorization, events } = await outgrown(app, async () => true);
    expect(await authorization.allows("photos:read")).toBe(false);
    const answers = await Promise.all([client.photo.album.query(), client.user.me.query(), client.photo.album.query()]);
    expect(answers[0]?.title).toContain(john.fullName);
    expect(events).toEqual([{ scopes: ["photos:read"], path: "photo.album" }]);
    expect(await authorization.allows("photos:read")).toBe(true);
  });

  it("fails with INSUFFICIENT_SCOPE when they do not", async () => {
    await using app = await start();
    const { client, events } = await outgrown(app, async () => false);
    const [, error] = await safe(client.photo.album.query());
    expect(errorReader<Contract>()("photo.album", error)).toMatchObject({
      code: "INSUFFICIENT_SCOPE",
      httpStatus: 403,
      details: { scopes: ["photos:read"] },
      wwwAuthenticate: expect.stringContaining('scope="photos:read"'),
    });
    expect(events).toHaveLength(1);
  });
});
