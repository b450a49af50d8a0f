import { expect, it } from "vitest";
import { webDirectory } from "../../test/web-directory.ts";
import { startTestServer } from "../testing.ts";
import { securityHeaders } from "./security-headers.ts";

const web = { devUrl: null };

const httpsUrl = "https://app.example";

it("[S18] let a browser do nothing with data: of RPC, of REST, of a refusal, of a broken address", async () => {
  await using server = await startTestServer();
  for (const url of [
    "/healthz",
    "/trpc/user.me",
    "/trpc/nope",
    "/users/me",
    "/jwks",
    "/openapi.json/nope",
    "/token",
    "/%",
  ]) {
    const { headers } = await server.app.inject({ url });
    expect(headers).toMatchObject({
      "content-security-policy": expect.stringContaining("frame-ancestors 'none'"),
      "x-frame-options": "DENY",
      "x-content-type-options": "nosniff",
      "cross-origin-resource-policy": "same-origin",
    });
    expect(headers["content-security-policy"]).toMatch(/^default-src 'none';/);
  }
  const { data } = await securityHeaders({ publicUrl: httpsUrl, web });
  expect(data["strict-transport-security"]).toBe("max-age=63072000; includeSubDomains");
});

it("[S18] let a page do what the web app needs, and tell others nothing of where it was left", async () => {
  await using server = await startTestServer({ webDirectory });
  const { page } = await securityHeaders({ publicUrl: server.config.publicUrl, web });
  for (const url of ["/", "/sign-in", "/device", "/authorize?client_id=nobody", "/login/nobody"]) {
    const { headers } = await server.app.inject({ url, headers: { accept: "text/html" } });
    expect(headers).toMatchObject({ ...page, "referrer-policy": "no-referrer" });
    expect(headers["content-security-policy"]).toMatch(/script-src 'self';.*frame-ancestors 'none'/);
  }
});

it("leave pages to Vite where it serves them, and data no less strict", async () => {
  const { data, page } = await securityHeaders({ publicUrl: "http://localhost:3000", web: { devUrl: "http://x" } });
  expect(page).not.toHaveProperty("content-security-policy");
  expect(data).toHaveProperty("content-security-policy");
});

it("leave a page that needs more to set its own", async () => {
  await using server = await startTestServer();
  const { headers } = await server.app.inject({ url: "/docs" });
  expect(headers["content-security-policy"]).toContain("style-src 'self' 'unsafe-inline'");
});

it("ask browsers for https only where it is served", async () => {
  const name = "strict-transport-security";
  const { page: onHttp, data } = await securityHeaders({ publicUrl: "http://localhost:3000", web });
  for (const each of [onHttp, data]) expect(each).not.toHaveProperty(name);
  const { page } = await securityHeaders({ publicUrl: httpsUrl, web });
  expect(page[name]).toBe("max-age=63072000; includeSubDomains");
});
