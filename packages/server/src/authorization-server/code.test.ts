import * as client from "openid-client";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { engines } from "../../test/engines.ts";
import {
  type Browser,
  basic,
  beginAuthorization,
  callback,
  callWith,
  connect,
  post,
  refusalOf,
  registerClient,
  type Server,
  signedInBrowser,
  startAuthorizationServer,
  startOn,
} from "./testing.ts";

let server: Server;
let app: Awaited<ReturnType<typeof registerClient>>;
let browser: Browser;

beforeAll(async () => {
  server = await startAuthorizationServer({ now: () => Date.now() });
  app = await registerClient(server);
  browser = await signedInBrowser(server);
});
afterAll(() => server.close());
afterEach(() => {
  vi.useRealTimers();
});

/** A client with a new grant and its code. */
const withCode = async (on = server, as = browser, of = app) => {
  // Asks for consent each time, so that each code has its own grant.
  const { url, checks } = await beginAuthorization(of.config, { prompt: "consent" });
  const back = await as.allow(url);
  const form = {
    grant_type: "authorization_code",
    code: back.searchParams.get("code") ?? "",
    redirect_uri: callback,
    code_verifier: String(checks.pkceCodeVerifier),
  };
  const redeem = (change: Record<string, string> = {}, headers = basic(of.id, of.secret)) =>
    post(on, "/token", { ...form, ...change }, headers);
  return { back, checks, form, redeem };
};
const isInvalidGrant = { status: 400, body: { error: "invalid_grant" } };

describe("an authorization code", () => {
  it("[S7] works once: the second use revokes what the first one got", async () => {
    const { back, checks } = await withCode();
    const tokens = await client.authorizationCodeGrant(app.config, back, checks);
    expect((await callWith(server, "/users/me", tokens.access_token)).status).toBe(200);
    expect(await refusalOf(client.authorizationCodeGrant(app.config, back, checks))).toBe("invalid_grant");
    expect(await callWith(server, "/users/me", tokens.access_token)).toMatchObject({
      status: 401,
      code: "INVALID_TOKEN",
    });
    expect(await refusalOf(client.refreshTokenGrant(app.config, tokens.refresh_token ?? ""))).toBe("invalid_grant");
  });

  it("[S8] does not revoke tokens on replay with a wrong verifier or a wrong client", async () => {
    const other = await registerClient(server);
    const { redeem } = await withCode();
    const wrong = [
      () => redeem({ code_verifier: "x".repeat(43) }),
      () => redeem({}, basic(other.id, other.secret)),
      () => redeem({ redirect_uri: `${callback}/` }),
    ];
    for (const attempt of wrong) expect(await attempt()).toMatchObject(isInvalidGrant);
    const { status, body } = await redeem();
    expect(status).toBe(200);
    for (const attempt of wrong) expect(await attempt()).toMatchObject(isInvalidGrant);
    expect((await callWith(server, "/users/me", String(body["access_token"]))).status).toBe(200);
    expect(await refusalOf(client.refreshTokenGrant(app.config, String(body["refresh_token"])))).toBeNull();
  });

  it("[S4] cannot be redeemed without the verifier", async () => {
    const { redeem } = await withCode();
    expect(await redeem({ code_verifier: "" })).toMatchObject(isInvalidGrant);
    expect(await redeem({ code_verifier: "short" })).toMatchObject({ status: 400 });
    expect((await redeem()).status).toBe(200);
  });

  it("[S9] expires after a minute", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const inTime = await withCode();
    const late = await withCode();
    vi.setSystemTime(Date.now() + 55_000);
    expect((await inTime.redeem()).status).toBe(200);
    vi.setSystemTime(Date.now() + 6000);
    expect(await late.redeem()).toMatchObject(isInvalidGrant);
  });

  it("[S10] is bound to the resource that it was requested for", async () => {
    const [elsewhere, here] = [await withCode(), await withCode()];
    expect(await elsewhere.redeem({ resource: "https://other.example" })).toMatchObject({
      body: { error: "invalid_target" },
    });
    expect((await here.redeem({ resource: server.config.publicUrl })).status).toBe(200);
  });

  it("[S10] cannot be used in another browser, whose state differs", async () => {
    const { back } = await withCode();
    const theirs = await beginAuthorization(app.config);
    await expect(client.authorizationCodeGrant(app.config, back, theirs.checks)).rejects.toHaveProperty(
      "cause.message",
      expect.stringContaining("state"),
    );
  });

  it("[S35] is redeemed with Cache-Control: no-store", async () => {
    const { redeem } = await withCode();
    expect((await redeem()).headers.get("cache-control")).toBe("no-store");
    expect((await redeem()).headers.get("cache-control")).toBe("no-store");
  });

  it("[S34] and every token have at least 160 bits, and are stored in no table", async () => {
    const { back, checks } = await withCode();
    const code = back.searchParams.get("code") ?? "";
    const tokens = await client.authorizationCodeGrant(app.config, back, checks);
    for (const token of [code, tokens.refresh_token ?? "", app.secret ?? ""]) {
      expect(token).toMatch(/^[\w-]{27,}$/);
    }
    const tables = ["oauth_records", "grants", "applications", "spent_ids", "audit_log"] as const;
    const all = JSON.stringify(
      await Promise.all(tables.map((table) => server.db.selectFrom(table).selectAll().execute())),
    );
    for (const token of [code, tokens.refresh_token, tokens.access_token, app.secret]) expect(all).not.toContain(token);
  });

  it("[S52] identifies a person by issuer and subject, which stay when name and address change", async () => {
    const first = await connect(browser, app.config, { prompt: "consent" });
    const { domain, db } = server;
    const john = (await domain.users.findByLogin("john"))?.user;
    await db
      .updateTable("users")
      .set({ email: "other@example.com" })
      .where("id", "=", john?.id ?? "")
      .execute();
    const second = await connect(browser, app.config, { prompt: "consent" });
    expect(second.claims()?.sub).toBe(first.claims()?.sub);
    expect(second.claims()?.iss).toBe(first.claims()?.iss);
  });
});

describe("[S20] a client with a secret", () => {
  it("authenticates at the token endpoint with either supported method, and no other", async () => {
    const { redeem, form } = await withCode();
    const invalidClient = { status: 401, body: { error: "invalid_client" } };
    expect(await redeem({}, basic(app.id, "wrong"))).toMatchObject(invalidClient);
    expect(await post(server, "/token", { ...form, client_id: app.id })).toMatchObject(invalidClient);
    expect(await post(server, "/token", { ...form, client_id: app.id, client_secret: "wrong" })).toMatchObject(
      invalidClient,
    );
    expect(await post(server, "/token", { ...form, client_id: "nobody" })).toMatchObject(invalidClient);
    expect(await post(server, "/token", { ...form, client_id: "\0" })).toMatchObject(invalidClient);
    const both = { client_id: app.id, client_secret: app.secret ?? "" };
    expect(await redeem(both)).toMatchObject({ status: 400, body: { error: "invalid_request" } });
    expect((await post(server, "/token", { ...form, ...both })).status).toBe(200);
  });

  it("gets a challenge when its header is wrong (RFC 6749 §5.2)", async () => {
    const { redeem } = await withCode();
    expect((await redeem({}, basic(app.id, "wrong"))).headers.get("www-authenticate")).toMatch(/^Basic /);
  });

  it("[S21] cannot authenticate with the stored hash of its secret", async () => {
    const { redeem } = await withCode();
    const row = await server.db
      .selectFrom("applications")
      .selectAll()
      .where("id", "=", app.id)
      .executeTakeFirstOrThrow();
    expect(await redeem({}, basic(app.id, row.secret_hash))).toMatchObject({ body: { error: "invalid_client" } });
  });

  it("is refused with its old secret at once when the secret was replaced", async () => {
    const one = await registerClient(server);
    const next = await server.domain.clients.rotateSecret(one.id, "operator", {
      address: null,
      userAgent: null,
      requestId: null,
    });
    const { redeem } = await withCode(server, browser, one);
    expect(await redeem()).toMatchObject({ body: { error: "invalid_client" } });
    expect((await redeem({}, basic(one.id, next?.secret ?? ""))).status).toBe(200);
  });
});

describe("[S12] the password grant", () => {
  it("is refused for every client, however it authenticates", async () => {
    const form = { grant_type: "password", username: "john", password: "secret" };
    expect(await post(server, "/token", form, basic(app.id, app.secret))).toMatchObject({
      status: 400,
      body: { error: "unsupported_grant_type" },
    });
    for (const client_id of [app.id, "docs", "lockstep-cli", "first-party"]) {
      const { status, body } = await post(server, "/token", { ...form, client_id });
      expect([status, body["access_token"]]).toEqual([expect.toBeOneOf([400, 401]), undefined]);
    }
    expect(app.config.serverMetadata().grant_types_supported).not.toContain("password");
  });
});

describe.each(engines)("an authorization code on $engine", ({ newDatabase }) => {
  it("[S7] gives tokens to at most one of many concurrent redemptions, and none of them last", async () => {
    await using server = await startOn(newDatabase);
    const app = await registerClient(server);
    const browser = await signedInBrowser(server);
    for (let round = 0; round < 3; round++) {
      const { redeem } = await withCode(server, browser, app);
      const answers = await Promise.all(Array.from({ length: 12 }, () => redeem()));
      const given = answers.filter(({ status }) => status === 200);
      expect(given.length).toBeLessThanOrEqual(1);
      for (const { status, body } of answers) {
        if (status !== 200) expect([status, body["error"]]).toEqual([400, "invalid_grant"]);
      }
      for (const { body } of given) {
        expect((await callWith(server, "/users/me", String(body["access_token"]))).status).toBe(401);
        expect(await refusalOf(client.refreshTokenGrant(app.config, String(body["refresh_token"])))).toBe(
          "invalid_grant",
        );
      }
    }
  });
});
