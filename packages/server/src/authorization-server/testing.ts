// Owns the other side of protocol tests: a browser with cookies in which a person answers, and real client software
// (`openid-client`) that knows only our address, a client ID and a secret.

import { type AddressInfo, createServer } from "node:net";
import { type AnyContract, type ProtocolPage, protocolPageMeta, RegisterClientInput } from "@lockstep/kit";
import * as client from "openid-client";
import type { fixtureContract } from "../fixture-app.ts";
import { john, startTestServer, type TestServerOptions, testSource } from "../testing.ts";

export const callback = "https://photos.example/callback";

export const photoApp: RegisterClientInput = RegisterClientInput.parse({
  name: "A photo app",
  kind: "web",
  uri: "https://photos.example",
  redirectUris: [callback],
  postLogoutRedirectUris: ["https://photos.example/bye"],
  scopes: ["profile:read", "photos:read"],
});

/** A server whose public URL is the address that it listens on, so that clients can discover it. */
export const startAuthorizationServer = async <C extends AnyContract = typeof fixtureContract>(
  options: TestServerOptions<C> = {},
) => {
  for (;;) {
    const port = await freePort();
    const config = { ...options.config, port, host: "localhost", publicUrl: `http://localhost:${port}` };
    try {
      return { ...(await startTestServer<C>({ ...options, config })), url: config.publicUrl };
    } catch (error) {
      // Another process took the port between the probe and the server.
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    }
  }
};

/** The same on a database of its own, which is dropped with it. */
export const startOn = async (
  newDatabase: (
    content: "migrated",
  ) => Promise<{ readonly url: NonNullable<TestServerOptions["databaseUrl"]>; drop(): Promise<void> }>,
  options: TestServerOptions = {},
) => {
  const database = await newDatabase("migrated");
  const server = await startAuthorizationServer({ ...options, databaseUrl: database.url });
  return {
    ...server,
    async [Symbol.asyncDispose]() {
      await server.close();
      await database.drop();
    },
  };
};

export type Server = Awaited<ReturnType<typeof startAuthorizationServer<typeof fixtureContract>>>;

/** A port of this machine that nothing listens on. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer()
      .once("error", reject)
      .listen(0, "localhost", () => {
        const { port } = probe.address() as AddressInfo;
        probe.close(() => resolve(port));
      });
  });

/** A minimal browser: cookies with their paths, redirects one at a time, calls of our own page. */
export const openBrowser = (server: Pick<Server, "url">) => {
  /** By name, and by path unless it is `/`: the same name at two paths is two cookies (RFC 6265 §5.3). */
  const jar = new Map<string, { value: string; path: string }>();
  let accessToken: string | null = null;

  const go = async (url: string | URL, init: RequestInit = {}): Promise<Response> => {
    const target = new URL(url, server.url);
    const cookies = [...jar]
      .filter(([, { path }]) => path === "/" || target.pathname === path || target.pathname.startsWith(`${path}/`))
      .map(([key, { value }]) => `${key.split(" ")[0]}=${value}`);
    const response = await fetch(target, {
      redirect: "manual",
      ...init,
      headers: { accept: "text/html", ...(cookies.length > 0 && { cookie: cookies.join("; ") }), ...init.headers },
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair = "", ...attributes] = line.split(/; */);
      const name = pair.slice(0, pair.indexOf("="));
      const value = pair.slice(name.length + 1);
      const attribute = (key: string) =>
        attributes.find((each) => each.toLowerCase().startsWith(`${key}=`))?.slice(key.length + 1);
      const expires = attribute("expires");
      const path = attribute("path") ?? "/";
      const key = path === "/" ? name : `${name} ${path}`;
      if (value === "" || (expires && new Date(expires).getTime() < Date.now())) jar.delete(key);
      else jar.set(key, { value, path });
    }
    return response;
  };

  /** Follows redirects on our own server, and returns the first URL beyond it, or the final page. */
  const follow = async (url: string | URL, init?: RequestInit): Promise<{ url: URL; response: Response | null }> => {
    let current = new URL(url, server.url);
    let response = await go(current, init);
    for (let hops = 0; hops < 10; hops++) {
      const location = response.headers.get("location");
      if (location === null) return { url: current, response };
      current = new URL(location, current);
      if (current.origin !== server.url) return { url: current, response: null };
      if (current.pathname.startsWith("/interaction/")) return { url: current, response: null };
      response = await go(current);
    }
    throw new Error("Too many redirects");
  };

  const rpc = async (path: string, input: unknown, kind: "query" | "mutation" = "mutation") => {
    const query = kind === "query" && input !== undefined ? `?input=${encodeURIComponent(JSON.stringify(input))}` : "";
    const response = await go(`/trpc/${path}${query}`, {
      method: kind === "query" ? "GET" : "POST",
      headers: {
        accept: "*/*",
        "sec-fetch-site": "same-origin",
        ...(accessToken !== null && { authorization: `Bearer ${accessToken}` }),
        ...(kind === "mutation" && { "content-type": "application/json" }),
      },
      ...(kind === "mutation" && { body: input === undefined ? "" : JSON.stringify(input) }),
    });
    const body = (await response.json()) as {
      result?: { data: Record<string, unknown> };
      error?: { data: { code: string } };
    };
    return { status: response.status, data: body.result?.data ?? null, code: body.error?.data.code ?? null };
  };

  const authorizationId = (url: URL) => url.pathname.split("/").at(-1) ?? "";

  return {
    jar,
    go,
    follow,
    rpc,
    authorizationId,

    /** Signs in to the first-party web app, as `john` by default. */
    async signIn(username: string = john.username, password: string = john.password) {
      accessToken = null;
      const { data } = await rpc("auth.login", { username, password, transport: "cookie" });
      accessToken = String(data?.["accessToken"]);
    },

    /** Goes on as a person who signed in elsewhere. With the refresh token, in a cookie as after a sign-in here. */
    adopt(token: string, refreshToken?: string) {
      accessToken = token;
      if (refreshToken !== undefined) jar.set("lockstep-session", { value: refreshToken, path: "/" });
    },

    /** Proves again, or better, who the signed-in person is. */
    async stepUp(given: object) {
      const { data } = await rpc("auth.stepUp", { ...given, transport: "cookie" });
      accessToken = String(data?.["accessToken"]);
    },

    /**
     * Starts at an authorization URL, allows what the client asks for if asked, and returns where the browser is sent.
     */
    async allow(url: string | URL): Promise<URL> {
      const asked = await follow(url);
      if (!asked.url.pathname.startsWith("/interaction/")) return asked.url;
      const { data } = await rpc("authorization.approve", { authorizationId: authorizationId(asked.url) });
      return (await follow(String(data?.["redirectTo"]))).url;
    },

    /** Enters the code that a device shows, confirms it, and allows what the client asks for. */
    async enterCode(
      userCode: string,
      answer: "approve" | "deny" = "approve",
      beforeReturn: () => Promise<unknown> = async () => {},
    ): Promise<ProtocolPage | null> {
      const post = async (page: ProtocolPage | null, form: Record<string, string>) => {
        if (page?.page !== "device_code" && page?.page !== "device_confirm") return { url: null, response: null };
        const body = new URLSearchParams({ xsrf: page.token, user_code: userCode, ...form });
        return follow(page.action, { method: "POST", body });
      };
      const asked = await shownBy(await go("/device"));
      const shown = await shownBy((await post(asked, {})).response);
      const { url, response } = await post(shown, { confirm: "yes" });
      if (!url?.pathname.startsWith("/interaction/")) return response && shownBy(response);
      const { data } = await rpc(`authorization.${answer}`, { authorizationId: authorizationId(url) });
      await beforeReturn();
      return shownBy((await follow(String(data?.["redirectTo"]))).response);
    },
  };
};

export type Browser = ReturnType<typeof openBrowser>;

/** A browser in which a person is signed in to the first-party web app: `john` by default. */
export const signedInBrowser = async (server: Pick<Server, "url">, ...person: Parameters<Browser["signIn"]>) => {
  const browser = openBrowser(server);
  await browser.signIn(...person);
  return browser;
};

/** A client that an operator registered, and the client software for it. */
export const registerClient = async (
  server: Pick<Server, "config" | "domain">,
  input: Partial<RegisterClientInput> = {},
) => {
  const { client: app, secret } = await server.domain.clients.register(
    { ...photoApp, ...input },
    "operator",
    testSource,
  );
  const config = await discover(server, app.id, secret);
  return { id: app.id, secret, config };
};

/** The configuration of a standard client: the issuer, an ID, a secret. */
export const discover = (server: Pick<Server, "config">, id: string, secret: string | null, auth?: client.ClientAuth) =>
  client.discovery(new URL(server.config.publicUrl), id, secret ?? undefined, secret ? auth : client.None(), {
    execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
  });

/** The authorization URL of a client, with the checks that it remembers. */
export const beginAuthorization = async (
  config: client.Configuration,
  parameters: Record<string, string> = {},
): Promise<{ url: URL; checks: client.AuthorizationCodeGrantChecks }> => {
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const expectedState = client.randomState();
  const scope = parameters["scope"] ?? "openid profile profile:read";
  // OpenID Connect Core §3.1.2.1: the ID token repeats it; without `openid` there is none.
  const expectedNonce = scope.split(" ").includes("openid") ? client.randomNonce() : undefined;
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: callback,
    scope,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
    state: expectedState,
    ...(expectedNonce !== undefined && { nonce: expectedNonce }),
    ...parameters,
  });
  return { url, checks: { pkceCodeVerifier, expectedState, ...(expectedNonce !== undefined && { expectedNonce }) } };
};

/** The whole flow, with a signed-in person who allows it. */
export const connect = async (
  browser: Browser,
  config: client.Configuration,
  parameters: Record<string, string> = {},
  options?: client.DPoPOptions,
) => {
  const { url, checks } = await beginAuthorization(config, parameters);
  return client.authorizationCodeGrant(config, await browser.allow(url), checks, undefined, options);
};

/** The error code that the client got; `null`: it was not refused. */
export const refusalOf = (answer: Promise<unknown>): Promise<string | null> =>
  answer.then(
    () => null,
    (error: { error?: unknown }) => {
      if (typeof error.error === "string") return error.error;
      throw error;
    },
  );

/** Sends a form exactly as given, also an invalid one. */
export const post = async (
  server: Pick<Server, "url">,
  path: string,
  form: Record<string, string> | URLSearchParams | string,
  headers: Record<string, string> = {},
) => {
  const response = await fetch(`${server.url}${path}`, {
    method: "POST",
    redirect: "manual",
    body: typeof form === "string" ? form : new URLSearchParams(form).toString(),
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.startsWith("application/json") ?? false;
  const body = (isJson ? JSON.parse(text) : {}) as Record<string, unknown>;
  return { status: response.status, headers: response.headers, text, body };
};

export const basic = (id: string, secret: string | null) => ({
  authorization: `Basic ${Buffer.from(`${id}:${secret ?? ""}`).toString("base64")}`,
});

/** The `ProtocolPage` of a response; `null`: it has none. */
export const shownBy = async (response: Response | null): Promise<ProtocolPage | null> => {
  const html = (await response?.text()) ?? "";
  const [, content] = new RegExp(`<meta name="${protocolPageMeta}" content="([^"]*)">`).exec(html) ?? [];
  if (content === undefined) return null;
  const text = content.replaceAll("&quot;", '"').replaceAll("&lt;", "<").replaceAll("&gt;", ">");
  return JSON.parse(text.replaceAll("&amp;", "&")) as ProtocolPage;
};

/** The fields of a form that submits itself. */
export const inputsOf = (html: string): URLSearchParams => {
  const fields = new URLSearchParams();
  for (const [, name = "", value = ""] of html.matchAll(/name="(\w+)" value="([^"]*)"/g)) fields.append(name, value);
  return fields;
};

/** Calls an operation with an access token. */
export const callWith = async (server: Pick<Server, "url">, path: string, accessToken: string, scheme = "Bearer") => {
  const response = await fetch(`${server.url}${path}`, { headers: { authorization: `${scheme} ${accessToken}` } });
  const body = (await response.json()) as { code?: string; username?: string };
  return { status: response.status, code: body.code, body, challenge: response.headers.get("www-authenticate") };
};

/** Another person with an account here. */
export const addPerson = async ({ domain }: Pick<Server, "domain">, username: string): Promise<{ id: string }> => {
  const passwordHash = await domain.passwords.hash("secret");
  const made = await domain.users.create({ username, email: null, fullName: username, role: "user", passwordHash });
  if (!made) throw new Error(`${username} is taken`);
  return made;
};
