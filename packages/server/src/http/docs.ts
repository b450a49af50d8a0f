// Owns the API documentation: `/openapi.json`, and `/docs`, where it can be tried in a browser. Swagger UI is served
// from memory; the page loads nothing from other hosts.

import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { RegisterClientInput } from "@lockstep/kit";
import type { FastifyInstance, FastifyReply } from "fastify";
import { packageFile } from "../package-files.ts";
import { allowAnyOrigin } from "./cross-origin.ts";
import { docsPage, docsScript, docsStyles } from "./docs-page.ts";
import { createOpenApi, type OpenApiOptions } from "./openapi.ts";

/** Swagger UI sets styles on elements and shows icons from data URLs; its scripts are all files. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const redirectPath = "/docs/oauth2-redirect.html";

/** The page is a client like any other: public, and redirected back to itself (authorization code with PKCE). */
export const docsClientId = "docs";

export const docsClient = (publicUrl: string, scopes: readonly string[]): RegisterClientInput => ({
  name: "API documentation",
  kind: "browser",
  uri: null,
  // Any public URL is accepted here: with plain http beyond loopback the flow is refused, not the start.
  redirectUris: [publicUrl + redirectPath],
  postLogoutRedirectUris: [],
  scopes: [...scopes],
  jwksUri: null,
  backchannelLogoutUri: null,
  requirePushedRequests: false,
  requireDpop: false,
});

const assets = {
  "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
  "swagger-ui.css": "text/css; charset=utf-8",
  "oauth2-redirect.html": "text/html; charset=utf-8",
  "oauth2-redirect.js": "text/javascript; charset=utf-8",
  "favicon-32x32.png": "image/png",
} as const;

export const docsRoutes = (options: OpenApiOptions) => async (app: FastifyInstance) => {
  // Created for the first request: most servers never show their documentation.
  let document: string | undefined;
  app.get("/openapi.json", { onRequest: allowAnyOrigin }, async (_request, reply) => {
    reply.header("cache-control", "public, max-age=60");
    document ??= JSON.stringify(createOpenApi(options));
    return reply.type("application/json").send(document);
  });

  const served = (reply: FastifyReply, type: string, body: string | Buffer) =>
    reply
      .header("content-security-policy", contentSecurityPolicy)
      .header("cache-control", "no-cache")
      .type(type)
      .send(body);

  const { publicUrl, brand } = options;
  const script = docsScript({ publicUrl, redirectPath, clientId: docsClientId });
  app.get("/docs", async (_request, reply) => served(reply, "text/html; charset=utf-8", docsPage(brand)));
  app.get("/docs/start.js", async (_request, reply) => served(reply, "text/javascript; charset=utf-8", script));
  app.get("/docs/page.css", async (_request, reply) => served(reply, "text/css; charset=utf-8", docsStyles));

  const directory = dirname(packageFile("swagger-ui-dist/package.json"));
  for (const [name, type] of Object.entries(assets)) {
    // Read for the first request.
    let body: Promise<Buffer> | undefined;
    app.get(`/docs/${name}`, async (_request, reply) => {
      body ??= readFile(join(directory, name));
      return served(reply, type, await body);
    });
  }
};
