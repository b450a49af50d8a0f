import { describe, expect, it } from "vitest";
import { webDirectory } from "../../test/web-directory.ts";
import { startTestServer } from "../testing.ts";
import { securityHeaders } from "./security-headers.ts";

const web = { devUrl: null };

const onEveryAnswer = {
  "cross-origin-resource-policy": "same-origin",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};
const onEveryPage = {
  ...onEveryAnswer,
  "cross-origin-opener-policy": "same-origin",
  "origin-agent-cluster": "?1",
  "referrer-policy": "no-referrer",
  "x-dns-prefetch-control": "off",
  "x-download-options": "noopen",
  "x-permitted-cross-domain-policies": "none",
  "x-xss-protection": "0",
};
const dataPolicy = "default-src 'none'; frame-ancestors 'none'";
const pagePolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
  "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/** The security headers of a response, without those of other files. */
const securityOf = (headers: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(headers).filter(([name]) =>
      /^(content-security-policy|strict-transport-security|referrer-policy|origin-agent-cluster|cross-origin-|x-(?!request-id))/.test(
        name,
      ),
    ),
  );

it.each(["/healthz", "/trpc/user.me", "/trpc/nope", "/users/me", "/jwks", "/openapi.json/nope", "/token", "/%"])(
  "[S18] data gets the strictest policy and no header of pages: %s",
  async (url) => {
    await using server = await startTestServer();
    const { headers } = await server.app.inject({ url });
    expect(securityOf(headers)).toEqual({ ...onEveryAnswer, "content-security-policy": dataPolicy });
  },
);

it.each(["/", "/sign-in", "/device", "/authorize?client_id=nobody", "/login/nobody"])(
  "[S18] a page gets what the web app needs, and sends no referrer: %s",
  async (url) => {
    await using server = await startTestServer({ webDirectory });
    const { headers } = await server.app.inject({ url, headers: { accept: "text/html" } });
    expect(securityOf(headers)).toEqual({ ...onEveryPage, "content-security-policy": pagePolicy });
  },
);

describe("security headers", () => {
  it("leave the policy of pages to Vite in development, and keep that of data", () => {
    const { data, page } = securityHeaders({ publicUrl: "http://localhost:3000", web: { devUrl: "http://x" } });
    expect(page).toEqual(onEveryPage);
    expect(data["content-security-policy"]).toBe(dataPolicy);
  });

  it("can be replaced by a page that needs more", async () => {
    await using server = await startTestServer();
    const { headers } = await server.app.inject({ url: "/docs" });
    expect(headers["content-security-policy"]).toContain("style-src 'self' 'unsafe-inline'");
  });

  it("require https for two years, on all subdomains, only where clients reach the server by https", () => {
    const name = "strict-transport-security";
    const local = securityHeaders({ publicUrl: "http://localhost:3000", web });
    for (const headers of [local.page, local.data]) expect(headers).not.toHaveProperty(name);
    const { page, data } = securityHeaders({ publicUrl: "https://app.example", web });
    for (const headers of [page, data]) expect(headers[name]).toBe("max-age=63072000; includeSubDomains");
  });
});
