// A third-party client in a page of another origin: which answers the browser lets it read.

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { RegisterClientInput } from "@lockstep/kit";
import { openBrowser, startAuthorizationServer } from "@lockstep/server/authorization-server-testing";
import { launchBrowser, skippedWithoutBrowser } from "@lockstep/server/browser-testing";
import { john, testSource } from "@lockstep/server/testing";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { bundled } from "./bundled.ts";
import type { ThirdPartyPage } from "./third-party-page.ts";

declare const page: ThirdPartyPage;

let browser: Browser;
let script: string;

/** The app's own server, which serves only the page. */
const servePage = async () => {
  const server = createServer((request, response) => {
    const [type, body] = request.url?.endsWith(".js")
      ? ["text/javascript", script]
      : ["text/html", '<!doctype html><script src="/page.js"></script>'];
    response.writeHead(200, { "content-type": type, connection: "close" }).end(body);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.dispose]: () => server.close(),
  };
};

describe.skipIf(skippedWithoutBrowser("tests of the client in a page of another origin"))(
  "a page of another origin",
  () => {
    beforeAll(async () => {
      script = await bundled("third-party-page.ts");
      browser = await launchBrowser();
    });
    afterAll(() => browser?.close());

    it("gets access, refreshes, calls and revokes, and sends no cookie", async () => {
      await using server = await startAuthorizationServer();
      using web = await servePage();
      const { origin } = web;
      const { client } = await server.domain.clients.register(
        RegisterClientInput.parse({
          name: "A page",
          kind: "browser",
          redirectUris: [`${origin}/callback`],
          scopes: ["profile:read"],
        }),
        "operator",
        testSource,
      );
      const person = openBrowser(server);
      await person.signIn();
      const asked: string[] = [];
      server.app.server.on("request", ({ method, url, headers }) => {
        if (headers.origin === origin)
          asked.push(`${method} ${new URL(url ?? "", origin).pathname} ${headers.cookie ?? ""}`);
      });

      await using context = await browser.newContext();
      context.setDefaultTimeout(inject("patienceMs"));
      const tab = await context.newPage();
      await tab.goto(`${origin}/`);
      const url = await tab.evaluate(([issuer, clientId]) => page.begin(issuer, clientId), [
        server.config.publicUrl,
        client.id,
      ] as const);
      await tab.goto((await person.allow(url)).href);
      expect(await tab.evaluate(() => page.finish())).toEqual({
        subject: (await server.domain.users.findByLogin(john.username))?.user.id,
        username: john.username,
        status: 401,
      });
      expect(new Set(asked.filter((line) => !line.startsWith("OPTIONS")))).toEqual(
        new Set([
          "GET /.well-known/openid-configuration ",
          "POST /token ",
          "GET /jwks ",
          "GET /users/me ",
          "POST /revoke ",
        ]),
      );
    });
  },
);
