import cookie from "@fastify/cookie";
import Fastify from "fastify";
import { describe, expect, it } from "vitest";
import { authorizationCookies, cookiesFor, loginCookies } from "./cookies.ts";

describe("the cookies of authorization requests", () => {
  it("drop the oldest when a fifth begins, and never the authorization server's own", () => {
    for (const [publicUrl, host] of [
      ["http://localhost:3000", ""],
      ["https://app.example", "__Host-"],
    ] as const) {
      const cookies = authorizationCookies(publicUrl);
      const header = [
        `${host}lockstep-authorization-server=abc`,
        `${host}lockstep-authorization-server.sig=def`,
        ...["first", "second", "third", "fourth"].map(
          (id, index) => `${cookies.nameOf(id)}=${cookies.valueOf("secret", 1000 + index)}`,
        ),
      ].join("; ");
      expect(cookies.replacedBy("fifth", header)).toEqual(["first"]);
    }
  });
});

describe("the cookies of sign-ins at identity providers", () => {
  it("can all be cleared, whatever another host of the same site has set", async () => {
    const cookies = loginCookies("http://localhost:3000");
    const app = Fastify();
    await app.register(cookie);
    app.get("/", (request, reply) => {
      for (const state of cookies.pending(request)) cookies.clear(reply, state);
      return {};
    });
    const endings = ["a(b", "a b", "é", "", "x".repeat(101), "__proto__", "valid-1"];
    const sent = [...endings.map((ending) => `lockstep-login-${ending}=1`), "other=1", "lockstep-session=1"];
    const { statusCode, cookies: set } = await app.inject({ url: "/", headers: { cookie: sent.join("; ") } });
    expect(statusCode).toBe(200);
    expect(set.map(({ name }) => name)).toEqual(["lockstep-login-__proto__", "lockstep-login-valid-1"]);
  });
});

describe("the secret of an authorization request", () => {
  it("[S82] is for this origin's own pages, not for those of allowed origins of the same site", async () => {
    const [publicUrl, sibling] = ["https://api.example.com", "https://app.example.com"];
    const cookies = cookiesFor(publicUrl, [sibling]);
    const app = Fastify();
    await app.register(cookie);
    app.get("/", (request, reply) => {
      const { foreign, authorizationSecret } = cookies(request, reply);
      return { foreign, secret: authorizationSecret("1") };
    });
    const answerTo = async (origin: string, site: string) => {
      const headers = { origin, "sec-fetch-site": site, cookie: "__Host-lockstep-authorization-1=0.secret" };
      return (await app.inject({ url: "/", headers })).json();
    };
    expect(await answerTo(publicUrl, "same-origin")).toEqual({ foreign: false, secret: "secret" });
    expect(await answerTo(sibling, "same-site")).toEqual({ foreign: false, secret: null });
  });
});
