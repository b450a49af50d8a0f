import { expect, it } from "vitest";
import { startTestServer } from "../testing.ts";
import { securityHeaders } from "./security-headers.ts";

const web = { devUrl: null };

it("[S18] go with every answer: of RPC, of REST, of a refusal, of an address that is none", async () => {
  await using server = await startTestServer();
  for (const url of ["/healthz", "/trpc/user.me", "/trpc/nope", "/users/me", "/jwks"]) {
    const { headers } = await server.app.inject({ url });
    expect(headers).toMatchObject(await securityHeaders({ publicUrl: server.config.publicUrl, web }));
    expect(headers["content-security-policy"]).toContain("frame-ancestors 'none'");
    expect(headers).toMatchObject({
      "x-frame-options": "DENY",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
    });
  }
});

it("leave a page that needs more to set its own", async () => {
  await using server = await startTestServer();
  const { headers } = await server.app.inject({ url: "/docs" });
  expect(headers["content-security-policy"]).toContain("style-src 'self' 'unsafe-inline'");
});

it("ask browsers for https only where it is served", async () => {
  const name = "strict-transport-security";
  expect(await securityHeaders({ publicUrl: "http://localhost:3000", web })).not.toHaveProperty(name);
  const headers = await securityHeaders({ publicUrl: "https://app.example", web });
  expect(headers[name]).toBe("max-age=63072000; includeSubDomains");
});
