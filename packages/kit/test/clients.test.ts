import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NativeRedirectUri, RegisterClientInput, WebRedirectUri } from "../src/index.ts";

const accepts = (schema: typeof WebRedirectUri, uri: string) => schema.safeParse(uri).success;

describe("a redirect URI", () => {
  it.each([
    "https://app.example/callback",
    "https://app.example",
    "https://app.example:8443/a?b=c",
    "http://127.0.0.1/callback",
    "http://127.0.0.1:51000/callback",
    "http://[::1]:51000/callback",
    "http://localhost:3000/callback",
  ])("may be %s", (uri) => {
    expect([accepts(WebRedirectUri, uri), accepts(NativeRedirectUri, uri)]).toEqual([true, true]);
  });

  it.each([
    "com.example.app:/callback",
    "com.example.app://callback",
    "cursor://anysphere.cursor/callback",
    "app:/callback",
  ])("may be %s only on a user's device", (uri) => {
    expect([accepts(WebRedirectUri, uri), accepts(NativeRedirectUri, uri)]).toEqual([false, true]);
  });

  it.each([
    "",
    "/callback",
    "//app.example/callback",
    "http://app.example/callback",
    "http://127.0.0.1.evil.example/callback",
    "http://localhost.evil.example/",
    "http://localhost@evil.example/",
    "https://app.example/#part",
    "https://name:password@app.example/",
    "https://name@app.example/",
    "https://",
    "https:/\\evil.example/",
    "https:\\\\evil.example/",
    "https://app.example\\@evil.example/",
    "https://app.example/\u0000",
    "https://app.example/ x",
    "https://app.example/\n",
    "ht\ttps://app.example/",
    "javascript:alert(1)",
    "data:text/html,x",
    "javascript://app.example/%0aalert(1)",
    "JavaScript://app.example/%0aalert(1)",
    "vbscript:/x",
    "data:/text/html,x",
    "blob:https://app.example/x",
    "blob:/x",
    "filesystem:/x",
    "about:/blank",
    "view-source:/x",
    "intent://x",
    "ws://app.example/",
    "http:/app.example/",
    "mailto:john@app.example",
    "app:callback",
    "file:///etc/passwd",
    `https://app.example/${"x".repeat(2000)}`,
  ])("[S2] is never %j", (uri) => {
    expect([accepts(WebRedirectUri, uri), accepts(NativeRedirectUri, uri)]).toEqual([false, false]);
  });

  it("[S2] is https, or this machine, as browsers parse it", () => {
    const text = fc.oneof(
      fc.webUrl({ validSchemes: ["http", "https"], withQueryParameters: true, withFragments: true }),
      fc.string().map((tail) => `https://${tail}`),
      fc.string().map((tail) => `http://localhost${tail}`),
      fc.string().map((tail) => `http://127.0.0.1${tail}`),
    );
    fc.assert(
      fc.property(text, (uri) => {
        if (!accepts(WebRedirectUri, uri)) return;
        const { protocol, hostname, hash, username } = new URL(uri);
        expect(hash + username).toBe("");
        if (protocol !== "https:") expect(["localhost", "127.0.0.1", "[::1]"]).toContain(hostname);
      }),
      { numRuns: 500 },
    );
  });
});

describe("a registration", () => {
  const web = { name: "Photos", kind: "web", redirectUris: ["https://app.example/callback"], scopes: [] };

  it("has a redirect URI, unless the client acts for itself", () => {
    expect(RegisterClientInput.safeParse(web).success).toBe(true);
    expect(RegisterClientInput.safeParse({ ...web, redirectUris: [] }).success).toBe(false);
    expect(RegisterClientInput.safeParse({ ...web, kind: "service" }).success).toBe(false);
    expect(RegisterClientInput.safeParse({ ...web, kind: "service", redirectUris: [] }).success).toBe(true);
  });

  it.each([
    { name: "" },
    { name: "a\u0000b" },
    { name: "a\u202eb" },
    { name: "x".repeat(101) },
    { kind: "toaster" },
    { scopes: ["profile read"] },
    { uri: "http://app.example" },
    { redirectUris: ["com.example.app:/callback"] },
    { redirectUris: Array(21).fill("https://app.example/callback") },
  ])("is refused with %j", (change) => {
    expect(RegisterClientInput.safeParse({ ...web, ...change }).success).toBe(false);
  });
});
