import { describe, expect, it } from "vitest";
import { startTestServer, type TestServer, testClock } from "../testing.ts";

const send = async ({ db, domain }: TestServer, to: string) =>
  db
    .transaction()
    .execute((transaction) => domain.messages.send({ template: "test", to, userId: null, data: {} }, transaction));

const json = { accept: "application/json" };

describe("/dev/mail", () => {
  it("answers caught mails as JSON, newest first, as soon as their transaction is committed", async () => {
    const clock = testClock();
    await using server = await startTestServer({ now: clock.now });
    expect((await server.app.inject({ url: "/dev/mail", headers: json })).json()).toEqual([]);
    await send(server, "ada@example.org");
    clock.advanceSeconds(1);
    await send(server, "eve@example.org");
    const answer = await server.app.inject({ url: "/dev/mail", headers: json });
    expect(answer.json()).toEqual(await server.mails());
    expect(answer.json()).toMatchObject([
      { to: "eve@example.org", subject: "Test mail from Lockstep", text: expect.any(String), html: expect.any(String) },
      { to: "ada@example.org" },
    ]);
    expect(Object.keys(answer.json()[0])).toEqual(["to", "subject", "text", "html"]);
    expect(answer.headers).toMatchObject({ "cache-control": "no-store", vary: "accept" });
  });

  it("shows a mail in a sandboxed frame that may load and run nothing", async () => {
    await using server = await startTestServer();
    await send(server, "ada@example.org");
    const list = await server.app.inject({ url: "/dev/mail", headers: { accept: "text/html" } });
    expect(list.headers["content-security-policy"]).toMatch(/^default-src 'none'; style-src 'self'; frame-src 'self'/);
    const [, path = ""] = /href="(\/dev\/mail\/caught\/[^"]+)"/.exec(list.body) ?? [];
    const page = await server.app.inject({ url: path });
    const [, sandbox, frame = ""] = /<iframe [^>]*sandbox="([^"]*)" src="([^"]*)"/.exec(page.body) ?? [];
    expect(sandbox).not.toMatch(/allow-(scripts|same-origin|forms)/);
    expect(page.body).not.toContain("<script");
    const mail = await server.app.inject({ url: frame });
    expect(mail.headers["content-security-policy"]).toMatch(/^default-src 'none'; .*; sandbox allow-popups /);
    expect(mail.headers["content-security-policy"]).not.toMatch(/script-src|allow-(scripts|same-origin|forms)/);
    expect(mail.headers["x-frame-options"]).toBe("SAMEORIGIN");
    expect(mail.body).toContain("Mail works");
    expect((await server.app.inject({ url: "/dev/mail/caught/nope" })).statusCode).toBe(404);
  });

  it("previews every template", async () => {
    await using server = await startTestServer();
    const { body } = await server.app.inject({ url: "/dev/mail", headers: { accept: "text/html" } });
    const paths = [...body.matchAll(/href="(\/dev\/mail\/templates\/[^"]+)"/g)].map(([, path = ""]) => path);
    expect(paths.length).toBeGreaterThanOrEqual(8);
    for (const path of paths) {
      expect((await server.app.inject({ url: path })).statusCode).toBe(200);
      expect((await server.app.inject({ url: `${path}/html` })).body).toContain("<!doctype html>");
    }
    expect((await server.app.inject({ url: "/dev/mail/templates/constructor" })).statusCode).toBe(404);
  });

  it("answers no host name that a stranger could own, so that their page cannot read it by DNS rebinding", async () => {
    await using server = await startTestServer({ config: { publicUrl: "http://dev.example.com:3000" } });
    const statusAt = async (host: string, url = "/dev/mail") =>
      (await server.app.inject({ url, headers: { ...json, host } })).statusCode;
    for (const host of [
      "dev.example.com:3000",
      "localhost:3000",
      "127.0.0.1",
      "[::1]:3000",
      "lockstep:3000",
      "a.localhost",
    ])
      expect(await statusAt(host), host).toBe(200);
    for (const host of ["attacker.example:3000", "dev.example.com", "127.0.0.1.nip.io:3000", "localhost.:3000"])
      expect(await statusAt(host), host).toBe(403);
    expect(await statusAt("attacker.example", "/dev/mail/templates/test/html")).toBe(403);
  });

  it("does not exist in production", async () => {
    await using server = await startTestServer({ config: { production: true } });
    for (const url of ["/dev/mail", "/dev/mail/page.css", "/dev/mail/templates/test", "/dev/mail/templates/test/html"])
      expect((await server.app.inject({ url, headers: json })).statusCode).toBe(404);
  });
});
