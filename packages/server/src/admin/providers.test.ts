import { describe, expect, it } from "vitest";
import { engines } from "../../test/engines.ts";
import { misbehavingClient, startMisbehavingProvider } from "../../test/misbehaving-provider.ts";
import { openAdmin } from "./testing.ts";

const [{ newDatabase }] = engines;

const open = async () => {
  const [admin, provider] = await Promise.all([openAdmin(newDatabase), startMisbehavingProvider()]);
  const entry = { issuer: provider.issuer, ...misbehavingClient, allowPrivateAddresses: true };
  admin.env["PROVIDERS"] = JSON.stringify({
    good: entry,
    slash: { ...entry, issuer: `${provider.issuer}/` },
    far: { ...entry, issuer: "https://id.example.com" },
  });
  return {
    ...admin,
    provider,
    async [Symbol.asyncDispose]() {
      await provider[Symbol.asyncDispose]();
      await admin[Symbol.asyncDispose]();
    },
  };
};

describe("lockstep provider", () => {
  it("lists the identity providers, with the URL to register, and no secret", async () => {
    await using admin = await open();
    const { exitCode, stdout } = await admin.lockstep(["provider", "list"]);
    expect(exitCode).toBe(0);
    expect(stdout.split("\n")[1]).toMatch(/^good {2,}http:\S+ {2,}http:\/\/localhost:3000\/login\/good\/callback$/);
    const json = await admin.lockstep(["provider", "list", "--json"]);
    expect(JSON.parse(json.stdout.split("\n")[0] ?? "")).toEqual({
      name: "good",
      issuer: admin.provider.issuer,
      create: "always",
      callback: "http://localhost:3000/login/good/callback",
    });
    expect(stdout + json.stdout).not.toContain(misbehavingClient.clientSecret);
  });

  it("checks a working one, and prints what to register", async () => {
    await using admin = await open();
    const { exitCode, stdout } = await admin.lockstep(["provider", "check", "good"]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`Its keys can be read at ${admin.provider.issuer}/jwks.\n`);
    expect(stdout).toContain("Register this URL there: http://localhost:3000/login/good/callback\n");
    const json = await admin.lockstep(["provider", "check", "good", "--json"]);
    expect(JSON.parse(json.stdout)).toMatchObject({ name: "good", usable: true });
  });

  it("says in one sentence why one cannot be used", async () => {
    await using admin = await open();
    const check = async (name: string) => {
      const { exitCode, stdout, stderr } = await admin.lockstep(["provider", "check", name]);
      expect([exitCode, stdout]).toEqual([1, ""]);
      return stderr;
    };
    expect(await check("slash")).toBe(
      `slash cannot be used: the identity provider's issuer is ${admin.provider.issuer}, but ${admin.provider.issuer}/ is configured.\n`,
    );
    expect(await check("far")).toMatch(/^far cannot be used: https:\/\/id\.example\.com cannot be reached \(.*\)\.\n$/);
    admin.provider.behave({ answers: { "/jwks": (_, response) => response.writeHead(404).end() } });
    expect(await check("good")).toMatch(/^good cannot be used: /);
    admin.provider.behave({ metadata: { token_endpoint: undefined } });
    expect(await check("good")).toBe("good cannot be used: the identity provider's metadata has no token_endpoint.\n");
  });

  it("knows only configured identity providers, and reports invalid settings", async () => {
    await using admin = await open();
    expect(await admin.lockstep(["provider", "check", "nobody"])).toMatchObject({
      exitCode: 3,
      stderr: "There is no identity provider nobody in PROVIDERS.\n",
    });
    const broken = await admin.lockstep(["provider", "list"], "", { PROVIDERS: '{"google":{}}' });
    expect(broken).toMatchObject({ exitCode: 1, stderr: "PROVIDERS: google.clientId: is missing.\n" });
  });
});
