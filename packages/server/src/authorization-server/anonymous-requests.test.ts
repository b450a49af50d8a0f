// What anonymous requests leave in the database: small rows, which are soon deleted.

import * as client from "openid-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testClock, testSource } from "../testing.ts";
import {
  basic,
  beginAuthorization,
  callback,
  connect,
  openBrowser,
  post,
  registerClient,
  type Server,
  signedInBrowser,
  startAuthorizationServer,
} from "./testing.ts";

const clock = testClock();
const day = 24 * 60 * 60;
let server: Server;
beforeAll(async () => {
  server = await startAuthorizationServer({ config: { registration: "open" }, now: clock.now });
});
afterAll(() => server.close());

describe("an anonymous request [S92]", () => {
  const records = () => server.db.selectFrom("oauth_records").selectAll().execute();

  it("to /device, /logout or /authorize leaves rows of at most 12 kB that are deleted after 30 minutes", async () => {
    const app = await registerClient(server);
    // Characters that take the most space when stored.
    const { url } = await beginAuthorization(app.config, { state: "\u0001".repeat(1200) });
    for (const target of ["/device", "/logout", url]) {
      const before = (await records()).length;
      expect((await openBrowser(server).go(target)).status).toBeLessThan(400);
      expect((await records()).length).toBeGreaterThan(before);
    }
    for (const { kind, payload, expires_at } of await records()) {
      expect([kind, payload.length]).toEqual([kind, expect.toSatisfy((size: number) => size <= 12 * 1024)]);
      expect([kind, expires_at]).toEqual([kind, expect.toSatisfy((at: number) => at <= clock.now() + 30 * 60_000)]);
    }
    clock.advanceSeconds(30 * 60);
    await server.domain.upkeep.once();
    expect(await records()).toEqual([]);
  });

  it("does not shorten the session of a user who has granted access", async () => {
    const app = await registerClient(server);
    const browser = await signedInBrowser(server);
    await connect(browser, app.config);
    await browser.go("/device");
    const session = (await records()).find(({ kind }) => kind === "Session");
    expect(session?.expires_at).toBeGreaterThan(clock.now() + day * 1000);
  });
});

describe("a client that registered over the wire [S92]", () => {
  const register = async (metadata: object = {}) => {
    const response = await fetch(`${server.url}/register`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ redirect_uris: [callback], ...metadata }),
    });
    const { client_id, client_secret } = (await response.json()) as Record<string, string>;
    return { id: client_id ?? "", secret: client_secret ?? "" };
  };

  it("is deleted after 30 days when it was not used, and kept when it was", async () => {
    const unused = await register();
    const granted = await register();
    const verified = await register();
    const service = await register({ redirect_uris: [], grant_types: ["client_credentials"], response_types: [] });
    const ofOperator = await registerClient(server);
    const execute = [client.allowInsecureRequests];
    const config = await client.discovery(new URL(server.url), granted.id, granted.secret, undefined, { execute });
    const browser = await signedInBrowser(server);
    // A request without consent does not count as use.
    await browser.follow((await beginAuthorization(config)).url);
    await connect(browser, config);
    await server.domain.clients.setVerified(verified.id, true, testSource);
    const form = { grant_type: "client_credentials" };
    expect((await post(server, "/token", form, basic(service.id, service.secret))).status).toBe(200);

    const left = async () => {
      await server.domain.upkeep.once();
      const rows = await server.db.selectFrom("applications").select("id").execute();
      const ids = [unused, granted, verified, service, ofOperator].map(({ id }) => id);
      return ids.map((id) => rows.some((row) => row.id === id));
    };
    clock.advanceSeconds(30 * day - 1);
    expect(await left()).toEqual([true, true, true, true, true]);
    clock.advanceSeconds(1);
    expect(await left()).toEqual([false, true, true, true, true]);
    clock.advanceSeconds(400 * day);
    expect(await left()).toEqual([false, true, true, true, true]);
  });

  it("leaves at most a hundred audit entries for each address, however many register", async () => {
    const source = { ...testSource, address: "198.51.100.7" };
    const registration = { name: "Somebody", secret: null, registration: {} };
    const registerOver = async (anonymous: boolean) => {
      for (let n = 0; n < 105; n++)
        await server.domain.clients.registerOverWire(`over-${anonymous}-${n}`, registration, source, { anonymous });
      const entries = await server.domain.audit.list({ limit: 1000 });
      return entries.filter(({ source: { address } }) => address === source.address).length;
    };
    expect(await registerOver(true)).toBe(100);
    // A request with the operator's token is not anonymous.
    expect(await registerOver(false)).toBe(205);
  });
});
