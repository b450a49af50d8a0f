// The bundle that `npm start` runs: each part of it is present and found, including parts that are loaded on demand.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { freePort } from "@lockstep/server/authorization-server-testing";
import { engines } from "@lockstep/server/engines";
import { describe, expect, it } from "vitest";

const main = join(import.meta.dirname, "../dist/main.js");

const metricsToken = "a metrics token of the tests, long enough";

/** The endpoints of an identity provider that the beginning of a sign-in needs. */
const startProvider = async () => {
  const issuer = `http://127.0.0.1:${await freePort()}`;
  const metadata = {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ["code"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["ES256", "RS256"],
  };
  const server = createServer((_request, response) => {
    response.setHeader("content-type", "application/json").end(JSON.stringify(metadata));
  });
  server.listen(Number(new URL(issuer).port), "127.0.0.1");
  await once(server, "listening");
  return {
    issuer,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

/** The bundle as a process that is ready; `await using` stops it and prints its standard error. */
const startBundle = async (env: Record<string, string>) => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(process.execPath, [main], {
    env: {
      PATH: process.env["PATH"],
      HOST: "127.0.0.1",
      PORT: String(port),
      PUBLIC_URL: url,
      BCRYPT_COST: "10",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(child, "exit");
  const errors = text(child.stderr);
  const ready = new Promise<void>((resolve) => {
    child.stdout.on("data", (chunk: Buffer) => {
      if (chunk.includes("Lockstep is ready")) resolve();
    });
  });
  await Promise.race([ready, exited.then(async () => Promise.reject(new Error(await errors)))]);
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      expect([(await exited)[0], await errors]).toEqual([0, ""]);
    },
  };
};

describe.each(engines)("the built server on $engine", ({ newDatabase }) => {
  it("serves its pages, signs users in, and answers clients", async () => {
    const database = await newDatabase();
    try {
      await using provider = await startProvider();
      await using server = await startBundle({
        DATABASE_URL: database.url,
        SECRET: "a secret of the tests, of thirty-two characters",
        METRICS_TOKEN: metricsToken,
        PROVIDERS: JSON.stringify({
          somebody: { clientId: "a", issuer: provider.issuer, allowPrivateAddresses: true },
        }),
      });
      const { url } = server;
      const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
        fetch(url + path, {
          method: "POST",
          headers: { "content-type": "application/json", ...headers },
          body: JSON.stringify(body),
        });

      // The web app, and the API documentation with its script.
      expect(await (await fetch(url)).text()).toContain('<div id="root">');
      expect(await (await fetch(`${url}/docs`)).text()).toContain("swagger-ui");
      expect((await fetch(`${url}/docs/swagger-ui-bundle.js`)).status).toBe(200);

      const login = await post("/trpc/auth.login", { username: "john", password: "secret" });
      const { result } = (await login.json()) as { result: { data: { accessToken: string } } };
      const signedIn = { authorization: `Bearer ${result.data.accessToken}` };
      const me = await fetch(`${url}/users/me`, { headers: signedIn });
      expect(await me.json()).toMatchObject({ username: "john" });

      // The password strength library.
      const weak = { currentPassword: "secret", newPassword: "lockstep1" };
      const change = await post("/trpc/user.changePassword", weak, signedIn);
      expect(await change.json()).toMatchObject({ error: { data: { code: "PASSWORD_REFUSED" } } });

      // The authorization server.
      const metadata = await (await fetch(`${url}/.well-known/openid-configuration`)).json();
      expect(metadata).toMatchObject({ issuer: url, token_endpoint: `${url}/token` });
      const form = new URLSearchParams({ grant_type: "client_credentials", client_id: "unknown", client_secret: "x" });
      const token = await fetch(`${url}/token`, { method: "POST", body: form });
      expect(await token.json()).toMatchObject({ error: "invalid_client" });

      // The modules that call identity providers.
      const trip = await fetch(`${url}/login/somebody`, { redirect: "manual" });
      expect(trip.headers.get("location")).toContain(`${provider.issuer}/authorize?`);

      // The metrics, of calls and of Node.
      const metrics = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${metricsToken}` } });
      const figures = await metrics.text();
      expect(figures).toContain('lockstep_calls_total{operation="auth.login",code="OK"} 1');
      expect(figures).toContain("nodejs_heap_size_used_bytes");
    } finally {
      await database.drop();
    }
  });
});
