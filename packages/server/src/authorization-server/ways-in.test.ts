// Every way in, for people with every kind of factor: what `acr` it yields, in tokens of sessions and in those of clients.

import { decodeJwt } from "jose";
import * as client from "openid-client";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { codeOf } from "../../test/authenticator-app.ts";
import { createAuthenticator } from "../../test/software-authenticator.ts";
import { testSource, typed } from "../testing.ts";
import {
  addPerson,
  beginAuthorization,
  connect,
  openBrowser,
  post,
  registerClient,
  type Server,
  startAuthorizationServer,
} from "./testing.ts";

let server: Server;
let web: Awaited<ReturnType<typeof registerClient>>;
let television: typeof web;
beforeAll(async () => {
  server = await startAuthorizationServer({ config: { signInCode: true } });
  web = await registerClient(server);
  television = await registerClient(server, native);
});
afterAll(() => server.close());
// Everybody comes from one address, and some are refused.
beforeEach(() => server.db.deleteFrom("throttles").execute());

const native = { kind: "native" as const, redirectUris: ["http://127.0.0.1/callback"] };

const states = ["none", "totp", "passkey", "recovery_code", "trusted_device"] as const;
type State = (typeof states)[number];
const ways = ["password", "mailed code", "identity provider", "passkey alone"] as const;
type Way = (typeof ways)[number];

/** `null`: there is no such way. */
const acrOf = (way: Way, state: State): "1fa" | "2fa" | "phr" | null => {
  if (way === "passkey alone") return state === "passkey" ? "phr" : null;
  return ({ none: "1fa", totp: "2fa", passkey: "phr", recovery_code: "2fa", trusted_device: "1fa" } as const)[state];
};

let people = 0;
const browserSecret = "a browser";

/** Somebody with an address, an identity and the factors of a state. */
const addSomebody = async (state: State, authenticatedAt: number | null = Date.now()) => {
  const { domain, db } = server;
  const name = `person${++people}`;
  const { id } = await addPerson(server, name);
  const email = `${name}@example.com`;
  await db.updateTable("users").set({ email, email_proof: "mail" }).where("id", "=", id).execute();
  const verified = {
    rules: { name: "north", label: "North", create: "always", endSession: false, freshness: "select_account" },
    identity: {
      issuer: "https://north.example",
      subject: name,
      email: null,
      emailVerified: false,
      fullName: name,
      username: name,
    },
    providerSession: { sessionId: null, idToken: null },
    authenticatedAt,
  } as const;
  await db
    .transaction()
    .execute((transaction) => domain.identities.link(id, "north", verified.identity, testSource, transaction));

  const owner = await domain.signIn.withPassword(typed(name, "secret"));
  const authenticator = createAuthenticator({ origin: server.config.publicUrl });
  let code = () => "";
  let recoveryCode = "";
  if (state === "passkey") {
    const begun = await domain.factorSignIn.beginFactor(owner, "passkey");
    if (begun.kind !== "passkey") throw new Error("Another kind of factor was begun");
    const finished = { enrolmentId: begun.enrolmentId, name: "Key", passkey: authenticator.create(begun) };
    await domain.factorSignIn.completeFactor(owner, finished, testSource);
  } else if (state !== "none") {
    const begun = await domain.factorSignIn.beginFactor(owner, "totp");
    if (begun.kind !== "totp") throw new Error("Another kind of factor was begun");
    const { enrolmentId, secret } = begun;
    // The steps before and now: the next one is still to be used.
    const finished = { enrolmentId, name: "Phone", totp: codeOf(secret, Date.now() - 30_000) };
    await domain.factorSignIn.completeFactor(owner, finished, testSource);
    code = () => codeOf(secret, Date.now());
    if (state === "recovery_code") [recoveryCode = ""] = await domain.recoveryCodes.renew(id, testSource);
  }

  const asker = { browser: browserSecret, source: testSource };
  const begin = async (way: Way, deviceToken: string | null) => {
    if (way === "password")
      return domain.signIn.begin({ ...typed(name, "secret"), deviceToken, browser: browserSecret });
    if (way === "mailed code") {
      const { proofId } = await domain.codeSignIn.request({ login: name, ...asker });
      const mail = await mailedCode(email);
      return domain.codeSignIn.complete({ proofId, code: mail, deviceToken, replaces: null, ...asker });
    }
    if (way === "identity provider") {
      const browser = { replaces: null, deviceToken, secret: browserSecret };
      return domain.identitySignIn.signIn(verified, testSource, browser);
    }
    const passkey = authenticator.get(await domain.passkeys.options());
    return domain.factorSignIn.withPasskey(passkey, { deviceToken, replaces: null, source: testSource });
  };
  return {
    name,
    id,
    /** Signs in, with whatever second step follows. */
    async signIn(way: Way, beforeSecondStep = async () => {}) {
      let outcome = await begin(way, null);
      if (outcome.status === "second_factor_required") {
        const { challengeId } = outcome;
        const given = {
          ...(state === "passkey" && { passkey: authenticator.get(await domain.passkeys.options()) }),
          ...(state === "recovery_code" && { recoveryCode: recoveryCode.replaceAll("-", "") }),
          ...((state === "totp" || state === "trusted_device") && { totp: code() }),
        };
        await beforeSecondStep();
        const trustDevice = state === "trusted_device";
        const completed = await domain.factorSignIn.complete(challengeId, given, { ...asker, trustDevice });
        outcome = trustDevice ? await begin(way, completed.deviceToken) : completed;
      }
      if (outcome.status !== "signed_in") throw new Error(`The sign-in is not complete: ${outcome.status}`);
      return outcome;
    },
  };
};

/** The code that was mailed to an address. */
const mailedCode = async (address: string): Promise<string> => {
  const mail = (await server.mails()).find(({ to }) => to === address);
  const [code] = /[B-Z]{4}-[B-Z]{4}/.exec(mail?.text ?? "") ?? [];
  if (code === undefined) throw new Error(`No code was sent to ${address}`);
  return code.replace("-", "");
};

const table = ways.flatMap((way) =>
  states.flatMap((state) => {
    const acr = acrOf(way, state);
    return acr === null ? [] : [[way, state, acr] as const];
  }),
);

const claimsIn = (token: string) => {
  const { acr, amr, auth_time } = decodeJwt(token);
  return { acr, amr: amr ?? [], auth_time };
};

describe("every way in, with every kind of factor", () => {
  it.each(table)(
    "[S111] a %s with %s yields the acr %s in tokens of the session, of a client and of a device, and after refreshes",
    async (way, state, acr) => {
      const { domain } = server;
      const somebody = await addSomebody(state);
      const signedIn = await somebody.signIn(way);
      const said = claimsIn(signedIn.accessToken);
      expect(said.acr).toBe(acr);
      const refreshed = await domain.signIn.withRefreshToken(signedIn.refreshToken, testSource);
      expect(claimsIn(refreshed.accessToken)).toEqual(said);

      const browser = openBrowser(server);
      browser.adopt(refreshed.accessToken, refreshed.refreshToken);
      const tokens = await connect(browser, web.config);
      expect(claimsIn(tokens.access_token)).toEqual(said);
      expect(tokens.claims()).toMatchObject({ ...said });
      const again = await client.refreshTokenGrant(web.config, tokens.refresh_token ?? "");
      expect(claimsIn(again.access_token)).toEqual(said);

      const device = await client.initiateDeviceAuthorization(television.config, { scope: "profile:read" });
      await browser.enterCode(device.user_code);
      const polled = await post(server, "/token", {
        grant_type: "urn:ietf:params:oauth:grant-type:device_code",
        device_code: device.device_code,
        client_id: television.id,
      });
      expect(polled.body).toHaveProperty("access_token");
      expect(claimsIn(String(polled.body["access_token"]))).toEqual(said);
    },
  );

  const twoSteps = table.filter(([way, state]) => way !== "passkey alone" && state !== "none");
  const changes = {
    disabled: (id: string) => server.domain.accounts.disable(id, testSource),
    deleted: (id: string) => server.db.deleteFrom("users").where("id", "=", id).execute(),
    "given another password": async (id: string) =>
      server.domain.users.replacePasswordHash(id, await server.domain.passwords.hash("another one")),
    "deprived of its factors": (id: string) => server.domain.factors.reset(id, testSource),
    "unlinked from the identity provider": (id: string) =>
      server.db.deleteFrom("identities").where("user_id", "=", id).execute(),
  };

  it.each(twoSteps.flatMap(([way, state]) => Object.keys(changes).map((change) => [way, state, change] as const)))(
    "[S111] a %s with %s starts no session if the account is %s before the second step",
    async (way, state, change) => {
      const somebody = await addSomebody(state);
      const sessions = () => server.db.selectFrom("sessions").select("id").where("user_id", "=", somebody.id).execute();
      let before = await sessions();
      const signIn = somebody.signIn(way, async () => {
        await changes[change as keyof typeof changes](somebody.id);
        before = await sessions();
      });
      // Only who came from there needs the identity.
      if (change.startsWith("unlinked") && way !== "identity provider") {
        expect((await signIn).status).toBe("signed_in");
        return;
      }
      const refusal = change.startsWith("deprived") || change === "deleted" ? "FACTOR_REFUSED" : "CHALLENGE_EXPIRED";
      await expect(signIn).rejects.toMatchObject({ code: refusal });
      expect(await sessions()).toEqual(before);
    },
  );

  it("[S111] tokens leave the time out if the identity provider did not say when it signed them in", async () => {
    const somebody = await addSomebody("none", null);
    const browser = openBrowser(server);
    browser.adopt((await somebody.signIn("identity provider")).accessToken);
    const tokens = await connect(browser, web.config);
    expect(tokens.claims()).toMatchObject({ acr: "1fa" });
    expect(tokens.claims()).not.toHaveProperty("auth_time");
    expect(decodeJwt(tokens.access_token)).not.toHaveProperty("auth_time");
  });

  describe("with a client that needs the time of the sign-in", () => {
    /** Registers a client with metadata that the pages do not offer. */
    const registerStrict = async (added: Record<string, unknown>, input?: Parameters<typeof registerClient>[1]) => {
      const strict = await registerClient(server, input);
      const row = server.db.selectFrom("applications").select("metadata").where("id", "=", strict.id);
      const { metadata } = await row.executeTakeFirstOrThrow();
      await server.db
        .updateTable("applications")
        .set({ metadata: JSON.stringify({ ...JSON.parse(metadata), ...added }) })
        .where("id", "=", strict.id)
        .execute();
      return strict;
    };
    const needs = [
      ["max_age", {}, { max_age: "86400" }],
      ["a max_age beyond all times", {}, { max_age: String(Number.MAX_SAFE_INTEGER) }],
      ["default_max_age", { default_max_age: 86_400 }, {}],
      ["require_auth_time", { require_auth_time: true }, {}],
    ] as const;

    it.each(needs)("[S42] %s gets none that is made up: the person signs in again", async (_, metadata, parameters) => {
      const { config } = await registerStrict(metadata);
      const somebody = await addSomebody("none", null);
      const browser = openBrowser(server);
      browser.adopt((await somebody.signIn("identity provider")).accessToken);
      const { url, checks } = await beginAuthorization(config, parameters);
      const authorizationId = browser.authorizationId((await browser.follow(url)).url);
      const refused = await browser.rpc("authorization.approve", { authorizationId });
      expect(refused.code).toBe("REAUTHENTICATION_REQUIRED");
      browser.adopt((await somebody.signIn("password")).accessToken);
      const { data } = await browser.rpc("authorization.approve", { authorizationId });
      const back = await browser.follow(String(data?.["redirectTo"]));
      const tokens = await client.authorizationCodeGrant(config, back.url, checks);
      expect(tokens.claims()?.auth_time).toBeGreaterThan(Date.now() / 1000 - 600);
    });

    it.each([
      ["300", 0],
      ["300", Date.now() - 3600_000],
      [String(Number.MAX_SAFE_INTEGER), 0],
    ])("[S42] [S111] a max_age of %s leaves out two factors that were proved at %i", async (max_age, at) => {
      const somebody = await addSomebody("none");
      const { session, accessToken } = await somebody.signIn("password");
      const factors = JSON.stringify([
        ["provider_2fa", at],
        ["password", Date.now()],
      ]);
      await server.db.updateTable("sessions").set({ factors }).where("id", "=", session.id).execute();
      const browser = openBrowser(server);
      browser.adopt(accessToken);
      const said = (await connect(browser, web.config, { max_age })).claims();
      expect(said).toMatchObject({ acr: "1fa", amr: ["pwd"], auth_time: expect.any(Number) });
    });

    it.each(needs)(
      "[S42] %s on a device gets no tokens before the person signs in again",
      async (_, metadata, more) => {
        const strict = await registerStrict(metadata, native);
        const somebody = await addSomebody("none", null);
        const poll = async (way: Way) => {
          const browser = openBrowser(server);
          const signedIn = await somebody.signIn(way);
          browser.adopt(signedIn.accessToken, signedIn.refreshToken);
          const asked = { scope: "openid profile:read", ...more };
          const device = await client.initiateDeviceAuthorization(strict.config, asked);
          await browser.enterCode(device.user_code);
          const { body } = await post(server, "/token", {
            grant_type: "urn:ietf:params:oauth:grant-type:device_code",
            device_code: device.device_code,
            client_id: strict.id,
          });
          return body;
        };
        expect(await poll("identity provider")).toMatchObject({ error: "authorization_pending" });
        const { id_token } = await poll("password");
        expect(decodeJwt(String(id_token))["auth_time"]).toBeGreaterThan(Date.now() / 1000 - 600);
      },
    );

    it.each(needs)("[S42] %s gets none without a question either", async (_, metadata, parameters) => {
      // Verified, like `web`, since an operator registered it.
      const strict = await registerStrict(metadata);
      const somebody = await addSomebody("none", null);
      const browser = openBrowser(server);
      const silently = async () => {
        const { url } = await beginAuthorization(strict.config, { ...parameters, prompt: "none" });
        return (await browser.follow(url)).url.searchParams.get("error");
      };
      browser.adopt((await somebody.signIn("password")).accessToken);
      await connect(browser, strict.config, parameters);
      expect(await silently()).toBeNull();
      // The same browser, and the same person, who signs in at an identity provider now.
      browser.adopt((await somebody.signIn("identity provider")).accessToken);
      await connect(browser, web.config, { prompt: "consent" });
      expect(await silently()).toBe("login_required");
    });
  });

  it.each(states)(
    "[S111] [S12] the password form of /token for people with %s yields 1fa or nothing",
    async (state) => {
      const { name } = await addSomebody(state);
      const answer = await post(server, "/token", { username: name, password: "secret" });
      const { access_token, error } = answer.body;
      expect(access_token === undefined ? error : decodeJwt(String(access_token))["acr"]).toBe(
        state === "none" ? "1fa" : "invalid_grant",
      );
    },
  );
});
