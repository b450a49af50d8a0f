import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Config, developmentSecretPrefix, loadConfig, settings } from "./config.ts";
import { StartError } from "./start-error.ts";

const secret = "rX6xYbRhsv0rZFr3PZ1mcWUwHkFbHRO5qzEdAO7Yx5k=";
const earlier = ["D1gq2mLBsP1Y2x6NfGZ0qLw8mZ4bq7m3", "fJ0Z8kq1rT5wVb3nYx7cHs9dLp2gMa6e"];
const production = {
  NODE_ENV: "production",
  PUBLIC_URL: "https://api.example.com",
  SECRET: secret,
  TRUST_PROXY: "off",
};
const load = (env: Record<string, string | undefined>) => loadConfig(env, "/srv/lockstep");

describe("settings", () => {
  it("have defaults that a newcomer can start with", () => {
    expect(load({})).toMatchObject({
      production: false,
      port: 3000,
      host: "localhost",
      publicUrl: "http://localhost:3000",
      databaseUrl: "file:/srv/lockstep/.data/lockstep.db",
      databasePool: 10,
      secret: null,
      previousSecrets: [],
      sessionLimits: { idleSeconds: 14 * 24 * 3600, lifetimeSeconds: 90 * 24 * 3600, graceSeconds: 10 },
      bcryptCost: 12,
      shutdown: { delaySeconds: 0, timeoutSeconds: 10 },
      trustProxy: false,
    });
  });

  it("count as absent when they are empty", () => {
    expect(load({ PORT: "", SECRET: "", DATABASE_URL: "" })).toEqual(load({}));
  });

  it("follow the port in the public URL of development", () => {
    expect(load({ PORT: "4000" }).publicUrl).toBe("http://localhost:4000");
  });

  it("take a PostgreSQL URL, an absolute file, proxies and peppers", () => {
    expect(load({ DATABASE_URL: "postgres://u:p@db/lockstep" }).databaseUrl).toBe("postgres://u:p@db/lockstep");
    expect(load({ DATABASE_URL: "file:/var/lib/l.db" }).databaseUrl).toBe("file:/var/lib/l.db");
    expect(load({ TRUST_PROXY: "10.0.0.1, 10.0.0.2" }).trustProxy).toEqual(["10.0.0.1", "10.0.0.2"]);
    expect(load({ TRUST_PROXY: "10.0.0.0/8 2001:db8::/32 loopback" }).trustProxy).toHaveLength(3);
    expect(load({ TRUST_PROXY: "on" }).trustProxy).toBe(true);
    expect(load({ SECRET: secret, SECRET_PREVIOUS: earlier.join() }).previousSecrets).toEqual(earlier);
    expect(load({ PEPPER: secret, PEPPER_PREVIOUS: earlier.join(" ") })).toMatchObject({
      pepper: secret,
      previousPeppers: earlier,
    });
  });

  it.each<[Record<string, string>, string]>([
    [{ PORT: "http" }, "PORT: must be a port number."],
    [{ PORT: "70000" }, "PORT:"],
    [{ SECRET: "short" }, "SECRET: must be at least 32 characters"],
    [{ SECRET: "a".repeat(32) }, "SECRET: repeats itself or counts, so that it can be guessed"],
    [{ SECRET_PREVIOUS: "a" }, "SECRET_PREVIOUS: has one that can be guessed"],
    [{ PEPPER: "b".repeat(64) }, "PEPPER: repeats itself"],
    [{ PEPPER_PREVIOUS: "b".repeat(64) }, "PEPPER_PREVIOUS: has one that can be guessed"],
    [{ REGISTRATION: "token", REGISTRATION_TOKEN: "0123456789".repeat(4) }, "REGISTRATION_TOKEN: repeats itself"],
    [{ DATABASE_URL: "mysql://db" }, "DATABASE_URL: must begin with file: or postgres://."],
    [{ PUBLIC_URL: "api.example.com" }, "PUBLIC_URL: must be a URL such as"],
    [{ PUBLIC_URL: "https://api.example.com/v1" }, "PUBLIC_URL: must be an origin, without a path."],
    [{ PUBLIC_URL: "ftp://example.com" }, "PUBLIC_URL:"],
    [{ BCRYPT_COST: "4" }, "BCRYPT_COST:"],
    [{ SESSION_IDLE_SECONDS: "59" }, "SESSION_IDLE_SECONDS:"],
    [{ SESSION_LIFETIME_SECONDS: "a day" }, "SESSION_LIFETIME_SECONDS:"],
    [{ REFRESH_GRACE_SECONDS: "61" }, "REFRESH_GRACE_SECONDS:"],
    [{ SHUTDOWN_DELAY_SECONDS: "-1" }, "SHUTDOWN_DELAY_SECONDS:"],
    [{ SHUTDOWN_TIMEOUT_SECONDS: "601" }, "SHUTDOWN_TIMEOUT_SECONDS:"],
    [{ NODE_ENV: "prod" }, "NODE_ENV:"],
    [{ DEMO_PROVIDER: "yes" }, "DEMO_PROVIDER:"],
    [{ DEMO_PROVIDER_PORT: "70000" }, "DEMO_PROVIDER_PORT:"],
    [{ WEB_DEV_URL: "localhost:5173" }, "WEB_DEV_URL: must be a URL such as"],
    [{ TRUST_PROXY: "10.0.0.1,proxy.internal" }, 'TRUST_PROXY: has "proxy.internal", which is neither an address'],
    [{ TRUST_PROXY: "10.0.0.0/33" }, "TRUST_PROXY:"],
    [{ PROVIDERS: '{"google":{}}' }, "PROVIDERS: google.clientId: is missing."],
    [{ PROVIDERS: "nowhere.json" }, "PROVIDERS: is neither JSON nor a file that can be read."],
    [{ PROVIDERS: "a\u0000b" }, "PROVIDERS: is neither JSON nor a file that can be read."],
  ])("name what is wrong in %j", (env, message) => {
    expect(() => load(env)).toThrow(message);
    expect(() => load(env)).toThrow(StartError);
  });

  it("take providers as JSON or from a file of it", async () => {
    const json = JSON.stringify({ google: { clientId: "an id", clientSecret: "a secret" } });
    const directory = await mkdtemp(join(tmpdir(), "lockstep-"));
    await writeFile(join(directory, "providers.json"), json);
    const fromFile = loadConfig({ PROVIDERS: "providers.json" }, directory).providers;
    expect(fromFile).toMatchObject([{ name: "google", clientId: "an id" }]);
    expect(load({ PROVIDERS: ` ${json}` }).providers).toEqual(fromFile);
    expect(load({}).providers).toEqual([]);
    await rm(directory, { recursive: true });
  });

  it("name everything that is wrong at once", () => {
    expect(() => load({ PORT: "x", SECRET: "y" })).toThrow(/PORT: .*\nSECRET: /);
  });

  it("are taken or refused in a sentence, whatever an environment holds", () => {
    const anything = fc.dictionary(fc.constantFrom(...Object.keys(settings), "OTHER"), fc.string());
    const nearlyRight = fc.record(
      {
        PORT: fc.constantFrom("", "0", "443", "65535", "65536"),
        PUBLIC_URL: fc.constantFrom(
          "https://a.example",
          "https://a.example:443/",
          "http://A.example",
          "http://a.b/x?y",
        ),
        SECRET: fc.constantFrom(secret, secret.slice(0, 31), "a".repeat(32)),
      },
      { requiredKeys: [] },
    );
    let taken = 0;
    fc.assert(
      fc.property(fc.oneof(anything, nearlyRight), (env) => {
        let config: Config;
        try {
          config = load(env);
        } catch (error) {
          expect(error).toBeInstanceOf(StartError);
          return;
        }
        taken++;
        expect(config.port).toBeLessThanOrEqual(65_535);
        expect(new URL(config.publicUrl).origin).toBe(config.publicUrl);
        expect(config.secret ?? secret).toBe(secret);
      }),
      { numRuns: 500 },
    );
    expect(taken).toBeGreaterThan(0);
  });
});

describe("production", () => {
  it("starts with what it needs", () => {
    expect(load(production)).toMatchObject({
      production: true,
      host: "0.0.0.0",
      publicUrl: "https://api.example.com",
      shutdown: { delaySeconds: 5, timeoutSeconds: 10 },
    });
  });

  it.each<[Record<string, string | undefined>, string]>([
    [{ PUBLIC_URL: undefined }, "PUBLIC_URL: production needs the https:// address"],
    [{ PUBLIC_URL: "http://api.example.com" }, "PUBLIC_URL: production needs the https:// address"],
    [{ SECRET: undefined }, "SECRET: production needs one"],
    [{ SECRET: developmentSecretPrefix + secret }, "SECRET: this one was made for development"],
    [{ TRUST_PROXY: undefined }, "TRUST_PROXY: production needs a decision"],
    [{ DEMO_PROVIDER: "1" }, "DEMO_PROVIDER: production has none"],
    [{ BCRYPT_COST: "10" }, "BCRYPT_COST: production needs at least 12"],
  ])("refuses %j", (change, message) => {
    expect(() => load({ ...production, ...change })).toThrow(message);
  });
});

describe("docs/settings.md", () => {
  it("lists every setting as it is read", async () => {
    const rows = Object.entries(settings).map(([name, schema]) => {
      const fallback = schema.safeParse(undefined);
      const shown =
        fallback.success && fallback.data !== undefined
          ? `\`${JSON.stringify(fallback.data).replaceAll('"', "")}\``
          : "";
      return `| \`${name}\` | ${shown} | ${schema.description ?? ""} |`;
    });
    for (const row of rows) expect(row).toMatch(/\| \S.*\. \|$/);
    const page = [
      "# Settings",
      "",
      "Read from the environment at start. Made from `apps/server/src/config.ts` by `pnpm docs:update`; a test fails when it is out of date.",
      "",
      "| setting | default | meaning |",
      "|---|---|---|",
      ...rows,
      "",
    ];
    await expect(page.join("\n")).toMatchFileSnapshot("../../../docs/settings.md");
  });
});
