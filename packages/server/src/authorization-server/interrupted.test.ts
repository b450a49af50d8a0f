// Changes between a person's answer and its effect: the client gets an OAuth error, never an internal one.

import * as client from "openid-client";
import { describe, expect, it } from "vitest";
import { engines } from "../../test/engines.ts";
import { testSource } from "../testing.ts";
import {
  addPerson,
  beginAuthorization,
  callback,
  refusalOf,
  registerClient,
  shownBy,
  signedInBrowser,
  startOn,
} from "./testing.ts";

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code";

describe.each(engines)("an interrupted authorization, on $engine", ({ newDatabase }) => {
  /** Another person than john, who has other rows. */
  const open = async () => {
    const server = await startOn(newDatabase, { now: () => Date.now() });
    const mary = (await addPerson(server, "mary")).id;
    const browser = await signedInBrowser(server, "mary");
    return { ...server, mary, browser };
  };
  type Opened = Awaited<ReturnType<typeof open>>;

  interface Interruption {
    readonly name: string;
    readonly happen: (opened: Opened, clientId: string) => Promise<unknown>;
    /** Where the returning browser is sent, and with which error. */
    readonly back: "access_denied" | "code" | "page" | "question";
    /** Whether the grant is revoked as well. */
    readonly endsGrant: boolean;
  }

  /** What a person who returns for a device sees, and what the device gets at its next poll. */
  const toDevice: Record<Interruption["back"], [page: string | undefined, error: string | null]> = {
    access_denied: ["device_denied", "access_denied"],
    code: ["device_done", null],
    page: ["error", "invalid_client"],
    // The web app asks them again.
    question: [undefined, "authorization_pending"],
  };

  const interruptions: Interruption[] = [
    {
      name: "the person is disabled",
      happen: ({ domain, mary }) => domain.accounts.disable(mary, testSource),
      back: "access_denied",
      endsGrant: true,
    },
    {
      name: "the person is deleted",
      happen: ({ db, mary }) => db.deleteFrom("users").where("id", "=", mary).execute(),
      back: "access_denied",
      endsGrant: true,
    },
    {
      name: "the grant is revoked",
      happen: ({ domain, mary }, clientId) => domain.grants.revoke(mary, clientId, testSource),
      back: "question",
      endsGrant: true,
    },
    {
      name: "the client is deleted",
      happen: ({ domain }, clientId) => domain.clients.delete(clientId, "operator", testSource),
      back: "page",
      endsGrant: true,
    },
    {
      name: "the session has ended",
      happen: ({ browser }) => browser.rpc("auth.logout", undefined),
      back: "code",
      endsGrant: false,
    },
  ];

  describe.each(interruptions)("when $name", ({ happen, back, endsGrant }) => {
    it("between approval and return", async () => {
      await using opened = await open();
      const { browser } = opened;
      const app = await registerClient(opened);
      const asked = await browser.follow((await beginAuthorization(app.config)).url);
      const { data } = await browser.rpc("authorization.approve", {
        authorizationId: browser.authorizationId(asked.url),
      });
      await happen(opened, app.id);
      const { url, response } = await browser.follow(String(data?.["redirectTo"]));
      if (back === "page") {
        expect([response?.status, (await shownBy(response))?.page]).toEqual([400, "error"]);
        return;
      }
      if (back === "question") {
        expect(url.pathname).toMatch(/^\/interaction\//);
        return;
      }
      expect(url.origin + url.pathname).toBe(callback);
      expect(url.searchParams.get("error") ?? "code").toBe(back);
      expect(url.searchParams.get("iss")).toBe(opened.config.publicUrl);
    });

    it("between return and redemption, and before a refresh", async () => {
      await using opened = await open();
      const { browser } = opened;
      const app = await registerClient(opened);
      const granted = async () => {
        const { url, checks } = await beginAuthorization(app.config, { prompt: "consent" });
        return { back: await browser.allow(url), checks };
      };
      const refreshed = await granted();
      const tokens = await client.authorizationCodeGrant(app.config, refreshed.back, refreshed.checks);
      const late = await granted();
      await happen(opened, app.id);
      const expected = expect.stringMatching(back === "page" ? /^invalid_client$/ : /^invalid_grant$/);
      const redeemed = await refusalOf(client.authorizationCodeGrant(app.config, late.back, late.checks));
      const refresh = await refusalOf(client.refreshTokenGrant(app.config, tokens.refresh_token ?? ""));
      expect([redeemed, refresh]).toEqual(endsGrant ? [expected, expected] : [null, null]);
    });

    describe("of a device", () => {
      const begin = async (opened: Opened) => {
        const app = await registerClient(opened, { kind: "native", redirectUris: ["http://127.0.0.1/callback"] });
        const scope = "openid profile:read";
        const { device_code, user_code } = await client.initiateDeviceAuthorization(app.config, { scope });
        const poll = () => refusalOf(client.genericGrantRequest(app.config, deviceGrant, { device_code }));
        return { id: app.id, userCode: user_code, poll };
      };

      it("between approval and return", async () => {
        await using opened = await open();
        const { id, userCode, poll } = await begin(opened);
        const page = await opened.browser.enterCode(userCode, "approve", () => happen(opened, id));
        expect([page?.page, await poll()]).toEqual(toDevice[back]);
      });

      it("between approval and the next poll", async () => {
        await using opened = await open();
        const { id, userCode, poll } = await begin(opened);
        expect((await opened.browser.enterCode(userCode))?.page).toBe("device_done");
        await happen(opened, id);
        const expected = back === "page" ? "invalid_client" : "invalid_grant";
        expect(await poll()).toBe(endsGrant ? expected : null);
      });
    });
  });

  it("creates one grant, however many approvals of one request arrive at once", async () => {
    await using opened = await open();
    const { browser, db } = opened;
    const app = await registerClient(opened);
    const { url, checks } = await beginAuthorization(app.config);
    const authorizationId = browser.authorizationId((await browser.follow(url)).url);
    const answers = await Promise.all(
      [1, 2, 3, 4, 5].map(() => browser.rpc("authorization.approve", { authorizationId })),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(await db.selectFrom("grants").select("user_id").execute()).toEqual([{ user_id: opened.mary }]);
    const { url: back } = await browser.follow(String(answers[0]?.data?.["redirectTo"]));
    expect(await refusalOf(client.authorizationCodeGrant(app.config, back, checks))).toBeNull();
  });
});
