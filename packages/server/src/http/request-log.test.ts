import { describe, expect, it } from "vitest";
import { codeOf } from "../../test/authenticator-app.ts";
import { callsTo } from "../../test/calls.ts";
import { startCollector } from "../../test/collector.ts";
import {
  beginAuthorization,
  registerClient,
  signedInBrowser,
  startAuthorizationServer,
} from "../authorization-server/testing.ts";
import type { Config } from "../config.ts";
import { john } from "../testing.ts";

const metricsToken = "a-token-of-tests-with-at-least-thirty-two-characters";

const start = async (settings: Partial<Config> = {}, level = "trace") => {
  const lines: string[] = [];
  const server = await startAuthorizationServer({
    config: { logRequests: true, metrics: { token: metricsToken, listen: null }, ...settings },
    logger: { level, stream: { write: (text) => void lines.push(...text.split("\n").filter(Boolean)) } },
  });
  const requests = () =>
    lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ msg }) => msg === "request");
  return { server, lines, requests };
};

describe("the log of requests", () => {
  it("has one line for each answer, with the route, the operations and the request ID", async () => {
    const { server, requests } = await start();
    const { headers } = await server.app.inject("/trpc/user.me,auth.methods,no.such?batch=1");
    await server.app.inject("/users/me?a=secret");
    await server.app.inject("/nothing/at/all");
    // No line is lost at the end.
    await server.close();
    expect(requests()).toMatchObject([
      {
        level: 30,
        reqId: headers["x-request-id"],
        method: "GET",
        route: "/trpc/:path",
        operations: ["user.me", "auth.methods"],
        status: 207,
        durationMs: expect.any(Number),
        address: "127.0.0.1",
      },
      { route: "/users/me", status: 401 },
      { status: 404 },
    ]);
    expect(JSON.stringify(requests())).not.toMatch(/no\.such|secret|nothing/);
  });

  it("is off by default", async () => {
    const { server, requests } = await start({ logRequests: false });
    await server.app.inject("/users/me");
    await server.close();
    expect(requests()).toEqual([]);
  });

  it("is off above its level", async () => {
    const { server, requests } = await start({}, "warn");
    await server.app.inject("/users/me");
    await server.close();
    expect(requests()).toEqual([]);
  });

  it("has the properties of every other entry, and writes the lines of one moment together", async () => {
    const texts: string[] = [];
    const server = await startAuthorizationServer({
      config: { logRequests: true },
      logger: { level: "info", stream: { write: (text) => void texts.push(text) } },
    });
    server.app.log.info("another entry");
    await Promise.all(
      ["/users/me", "/nothing", "/healthz"].map((url) => server.app.inject({ url, remoteAddress: "192.0.2.1" })),
    );
    await server.close();
    const own = texts.filter((text) => text.includes('"msg":"request"'));
    expect(own).toHaveLength(1);
    const entries = texts.flatMap((text) => text.trimEnd().split("\n")).map((line) => JSON.parse(line));
    const other = entries.find(({ msg }) => msg === "another entry");
    const requests = entries.filter(({ msg }) => msg === "request");
    expect(requests.map(({ route }) => route).sort()).toEqual(["/healthz", "/users/me", null]);
    for (const entry of requests) {
      expect(entry).toMatchObject({ level: 30, pid: other.pid, hostname: other.hostname, address: "192.0.2.1" });
      expect(Math.abs(entry.time - other.time)).toBeLessThan(60_000);
      expect(entry).not.toHaveProperty("trace_id");
    }
  });
});

describe("logs, metrics and traces", () => {
  it("have none of the secrets that people and clients used, whatever they did", async () => {
    await using collector = await startCollector();
    const { server, lines, requests } = await start({ traces: collector.settings });
    const calls = callsTo(server.app);
    const secrets = new Map<string, string>([["metrics token", metricsToken]]);
    const learn = (name: string, value: string | undefined) => {
      expect(value, name).toBeTruthy();
      secrets.set(name, value ?? "");
    };

    const wrong = "a wrong password of this test";
    secrets.set("wrong password", wrong);
    await calls.mutate("auth.login", { username: john.username, password: wrong });
    const { data } = await calls.mutate("auth.login", { username: john.username, password: john.password });
    const signedIn = data as { accessToken: string; refreshToken: string; deviceToken: string };
    learn("access token", signedIn.accessToken);
    learn("refresh token", signedIn.refreshToken);
    learn("device token", signedIn.deviceToken);
    await calls.query("user.me", { token: signedIn.accessToken });
    await server.app.inject(`/trpc/user.me?access_token=${signedIn.accessToken}`);
    await server.app.inject(`/users/me?access_token=${signedIn.accessToken}`);
    const refreshed = await calls.mutate("auth.refresh", { refreshToken: signedIn.refreshToken });
    learn("next refresh token", (refreshed.data as { refreshToken: string }).refreshToken);

    const { data: asked } = await calls.mutate("account.register", { email: "new@example.com" });
    await server.domain.upkeep.once();
    const [mail] = await server.mails();
    const code = /[B-Z]{4}-[B-Z]{4}/.exec(mail?.text ?? "")?.[0] ?? "";
    learn("code of a mail", code);
    learn("code without its dash", code.replace("-", ""));
    const link = /#(\S+)/.exec(mail?.text ?? "")?.[1];
    learn("secret of a link", link);
    const password = "wool lamp river stone of this test";
    secrets.set("new password", password);
    const { proofId } = asked as { proofId: string };
    await calls.mutate("account.completeRegistration", { proofId, code, fullName: "New Person", password });

    const { config, secret } = await registerClient(server);
    learn("client secret", secret ?? undefined);
    const browser = await signedInBrowser(server);
    const { url, checks } = await beginAuthorization(config, { scope: "openid profile:read offline_access" });
    learn("PKCE verifier", checks.pkceCodeVerifier);
    const back = await browser.allow(url);
    learn("authorization code", back.searchParams.get("code") ?? undefined);
    await server.app.inject(`/login/nobody/callback?code=${back.searchParams.get("code")}&state=x`);

    const token = (refreshed.data as { accessToken: string }).accessToken;
    const { data: begun } = await calls.mutate("factor.begin", { kind: "totp" }, { token });
    const { enrolmentId, secret: seed } = begun as { enrolmentId: string; secret: string };
    learn("secret of an authenticator app", seed);
    const totp = codeOf(seed, Date.now());
    await calls.mutate("factor.complete", { enrolmentId, name: "Phone", totp }, { token });
    const { data: renewed } = await calls.mutate("factor.renewRecoveryCodes", undefined, { token });
    const [recoveryCode] = (renewed as { codes: string[] }).codes;
    learn("recovery code", recoveryCode);

    expect(requests().length).toBeGreaterThan(10);
    const metrics = await server.app.inject({ url: "/metrics", headers: { authorization: `Bearer ${metricsToken}` } });
    expect(metrics.statusCode).toBe(200);
    await server.close();
    expect(collector.named("auth.login").length).toBeGreaterThan(1);
    const written = [...lines, metrics.body, ...collector.bodies].join("\n");
    expect([...secrets].filter(([, value]) => written.includes(value)).map(([name]) => name)).toEqual([]);
    expect(written).not.toContain("new@example.com");
  });
});
