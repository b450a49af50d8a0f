import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateKeyPair, SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import { fixtureApp } from "./fixture-app.ts";
import { createServer } from "./server.ts";
import { startTestServer, testConfig, testSource, testWorld } from "./testing.ts";

describe("at start, the log", () => {
  /** The messages in a server's log. */
  const logOf = async ({ clockErrorMs = 0, folderMode = 0o700 }) => {
    const folder = mkdtempSync(join(tmpdir(), "lockstep-"));
    chmodSync(folder, folderMode);
    const messages: string[] = [];
    const server = await createServer({
      app: fixtureApp,
      config: testConfig(`file:${join(folder, "test.db")}`),
      world: { ...testWorld(() => 1_800_000_000_000), databaseTime: async () => 1_800_000_000_000 - clockErrorMs },
      logger: { level: "warn", stream: { write: (line) => void messages.push(JSON.parse(line).msg) } },
    });
    await server.close();
    rmSync(folder, { recursive: true });
    return messages;
  };

  it("warns when the machine's clock differs from the database's by two seconds or more", async () => {
    expect(await logOf({ clockErrorMs: 2500 })).toEqual([expect.stringMatching(/2\.5 s ahead of the database's/)]);
    expect(await logOf({ clockErrorMs: -2500 })).toEqual([expect.stringMatching(/2\.5 s behind the database's/)]);
    expect(await logOf({ clockErrorMs: 1500 })).toEqual([]);
  });

  it("[S97] warns when other users can replace the database, but not in a folder such as /tmp", async () => {
    expect(await logOf({ folderMode: 0o777 })).toEqual([expect.stringMatching(/\(mode 777\).*chmod 700/)]);
    expect(await logOf({ folderMode: 0o1777 })).toEqual([]);
  });
});

it.each([
  { production: false, asked: ["/jwks"] },
  { production: true, asked: [] },
])("[S31] requests private addresses of clients only in development: %j", async ({ production, asked }) => {
  const requests: unknown[] = [];
  const inside = createHttpServer((request, response) => {
    requests.push(request.url);
    response.end('{"keys":[]}');
  });
  inside.listen(0, "127.0.0.1");
  await once(inside, "listening");
  const { port } = inside.address() as AddressInfo;
  await using server = await startTestServer({ config: { production } });
  const registration = {
    redirect_uris: [],
    response_types: [],
    grant_types: ["client_credentials"],
    token_endpoint_auth_method: "private_key_jwt",
    jwks_uri: `http://127.0.0.1:${port}/jwks`,
  };
  await server.domain.clients.registerOverWire("client", { name: "Photos", secret: null, registration }, testSource);
  const assertion = await new SignJWT({ jti: "once" })
    .setProtectedHeader({ alg: "ES256" })
    .setIssuer("client")
    .setSubject("client")
    .setAudience(server.config.publicUrl)
    .setExpirationTime("1 minute")
    .sign((await generateKeyPair("ES256")).privateKey);
  const body = new URLSearchParams({
    grant_type: "client_credentials",
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: assertion,
  });
  const answer = await fetch(`${server.url}/token`, { method: "POST", body });
  expect(await answer.json()).toMatchObject({ error: "invalid_client" });
  expect(requests).toEqual(asked);
  inside.close();
});
