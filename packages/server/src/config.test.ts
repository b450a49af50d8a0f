import { hash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { developmentSecretPrefix, type Environment, loadConfig, settings, workerCount } from "./config.ts";
import { StartError } from "./start-error.ts";

const secret = "rX6xYbRhsv0rZFr3PZ1mcWUwHkFbHRO5qzEdAO7Yx5k=";
const earlier = ["D1gq2mLBsP1Y2x6NfGZ0qLw8mZ4bq7m3", "fJ0Z8kq1rT5wVb3nYx7cHs9dLp2gMa6e"];
const production = {
  NODE_ENV: "production",
  PUBLIC_URL: "https://api.example.com",
  SECRET: secret,
  TRUST_PROXY: "off",
  MAIL_URL: "smtp://mail.example.com",
  MAIL_FROM: "no-reply@example.com",
};
const load = (env: Record<string, string | undefined>) => loadConfig(env, "/srv/lockstep");

/** Values of a setting, how they are read, and invalid values. `null`: every value is valid. */
interface Rule {
  readonly valid: fc.Arbitrary<{ text: string; is: object }>;
  readonly invalid: fc.Arbitrary<string> | null;
}

const rule = <T>(
  valid: fc.Arbitrary<readonly [text: string, value: T]>,
  read: (value: T) => object,
  invalid: Rule["invalid"],
): Rule => ({ valid: valid.map(([text, value]) => ({ text, is: read(value) })), invalid });

const asItIs = (texts: fc.Arbitrary<string>) => texts.map((text) => [text, text] as const);

const words = <T>(values: Record<string, T>, read: (value: T) => object): Rule =>
  rule(fc.constantFrom(...Object.entries(values)), read, fc.constantFrom("yes", "2", "Production", "o", "everything"));

const numbers = (min: number, max: number, read: (value: number) => object): Rule =>
  rule(
    fc.integer({ min, max: Math.min(max, 100_000) }).map((value) => [String(value), value] as const),
    read,
    fc.oneof(
      ...(max === Number.POSITIVE_INFINITY ? [] : [fc.integer({ min: max + 1 }).map(String)]),
      fc.integer({ max: min - 1 }).map(String),
      fc.constantFrom("three", "1e", "NaN"),
    ),
  );

const strongSecret = fc.nat().map((n) => hash("sha256", `secret ${n}`, "base64"));
const repetition = fc.constantFrom(..."abc019-").map((letter) => letter.repeat(40));
const secrets = (read: (value: string) => object): Rule =>
  rule(asItIs(strongSecret), read, fc.oneof(repetition, fc.stringMatching(/^[a-z0-9]{1,31}$/)));
const secretLists = (read: (value: string[]) => object): Rule =>
  rule(
    fc
      .tuple(fc.array(strongSecret, { minLength: 1, maxLength: 3 }), fc.constantFrom(" ", ",", ", "))
      .map(([list, between]) => [list.join(between), list] as const),
    read,
    fc.tuple(strongSecret, repetition).map((list) => list.join()),
  );

const host = fc.stringMatching(/^[a-z]{1,10}\.example$/);
const origin = fc
  .tuple(fc.constantFrom("http", "https"), host, fc.option(fc.integer({ min: 1024, max: 65_535 })))
  .map(([scheme, name, port]) => `${scheme}://${name}${port === null ? "" : `:${port}`}`);
const noUrl = fc.oneof(host, fc.constantFrom("//a.example", "https://", "a b"));
const ftp = host.map((name) => `ftp://${name}`);
const path = fc.stringMatching(/^[a-z]{1,8}(\/[a-z]{1,8})?\.db$/);
const proxy = fc.oneof(
  fc.ipV4(),
  fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })).map((parts) => parts.join("/")),
);

const rules: Record<keyof Environment, Rule> = {
  // Production has other rules, tested below.
  NODE_ENV: words({ development: false, test: false }, (value) => ({ production: value })),
  PORT: numbers(0, 65_535, (port) => ({ port })),
  HOST: rule(asItIs(host), (value) => ({ host: value }), null),
  PUBLIC_URL: rule(
    fc.oneof(
      fc.tuple(origin, fc.constantFrom("", "/")).map(([text, slash]) => [text + slash, text] as const),
      fc.constantFrom(["http://A.example", "http://a.example"] as const),
      fc.constantFrom(["https://a.example:443/", "https://a.example"] as const),
    ),
    (publicUrl) => ({ publicUrl }),
    fc.oneof(
      noUrl,
      ftp,
      fc.tuple(origin, fc.constantFrom("/v1", "/?a", "/#a")).map((parts) => parts.join("")),
    ),
  ),
  ALLOWED_ORIGINS: rule(
    fc
      .tuple(
        fc.array(fc.oneof(origin, fc.constantFrom("capacitor://localhost", "tauri://localhost", "http://[::1]:8081")), {
          minLength: 1,
          maxLength: 3,
        }),
        fc.constantFrom(" ", ",", ", "),
      )
      .map(([list, between]) => [list.join(between), list] as const),
    (allowedOrigins) => ({ allowedOrigins }),
    fc.oneof(
      noUrl.filter((text) => !/\s/.test(text)),
      ftp,
      fc.constantFrom("*", "null", "https://*.example"),
      fc.tuple(origin, fc.constantFrom("/", "/v1", "?a", "#a", ":80x")).map((parts) => parts.join("")),
      origin.map((text) => text.toUpperCase()),
    ),
  ),
  CONTACT: rule(
    asItIs(
      fc.oneof(
        origin,
        host.map((name) => `api@${name}`),
        host.map((name) => `https://${name}/support?a=b`),
      ),
    ),
    (contact) => ({ contact }),
    fc.oneof(noUrl, ftp, fc.constantFrom("me", "javascript:alert(1)", "a@b")),
  ),
  DATABASE_URL: rule(
    fc.oneof(
      path.map((name) => [`file:${name}`, `file:/srv/lockstep/${name}`] as const),
      asItIs(path.map((name) => `file:/var/${name}`)),
      asItIs(host.map((name) => `postgres://user@${name}/lockstep`)),
      asItIs(host.map((name) => `postgresql://user@${name}/lockstep`)),
    ),
    (databaseUrl) => ({ databaseUrl }),
    fc.oneof(path, fc.constantFrom("file:", "postgres://", "mysql://a/b")),
  ),
  DATABASE_POOL: numbers(1, 1000, (databasePool) => ({ databasePool })),
  // More than one needs PostgreSQL, tested below.
  WORKERS: rule(
    fc.constantFrom<[string, number | "auto"]>(["1", 1], ["auto", "auto"]),
    (workers) => ({ workers }),
    fc.constantFrom("0", "129", "1.5", "all"),
  ),
  SECRET: secrets((value) => ({ secret: value })),
  SECRET_PREVIOUS: secretLists((previousSecrets) => ({ previousSecrets })),
  PEPPER: secrets((pepper) => ({ pepper })),
  PEPPER_PREVIOUS: secretLists((previousPeppers) => ({ previousPeppers })),
  BCRYPT_COST: numbers(10, 16, (bcryptCost) => ({ bcryptCost })),
  SESSION_IDLE_SECONDS: numbers(60, Number.POSITIVE_INFINITY, (idleSeconds) => ({ sessionLimits: { idleSeconds } })),
  SESSION_LIFETIME_SECONDS: numbers(60, Number.POSITIVE_INFINITY, (lifetimeSeconds) => ({
    sessionLimits: { lifetimeSeconds },
  })),
  REFRESH_GRACE_SECONDS: numbers(0, 60, (graceSeconds) => ({ sessionLimits: { graceSeconds } })),
  PASSWORD_GRANT: words({ on: true, off: false }, (passwordGrant) => ({ passwordGrant })),
  // `token` needs two settings, and is tested separately.
  REGISTRATION: words({ off: "off", open: "open" }, (registration) => ({ registration })),
  REGISTRATION_TOKEN: secrets(() => ({})),
  TRUST_PROXY: rule<unknown>(
    fc.oneof(
      fc.constantFrom(["on", true] as const, ["off", false] as const),
      fc
        .array(proxy, { minLength: 1, maxLength: 3 })
        .map((list) => [list.join(", "), list.map(() => expect.any(String))] as const),
    ),
    (trustProxy) => ({ trustProxy }),
    fc.oneof(
      host,
      fc.integer({ min: 33 }).map((bits) => `10.0.0.0/${bits}`),
    ),
  ),
  BREACHED_PASSWORDS_URL: rule(asItIs(origin), (breachedPasswordsUrl) => ({ breachedPasswordsUrl }), noUrl),
  PROVIDERS: rule(
    fc
      .tuple(fc.stringMatching(/^[a-z]{1,10}$/), fc.stringMatching(/^[a-z0-9]{1,10}$/))
      .map(([clientId, clientSecret]) => [JSON.stringify({ google: { clientId, clientSecret } }), clientId] as const),
    (clientId) => ({ providers: [{ name: "google", clientId }] }),
    fc.constantFrom("nowhere.json", "{", '{"google":{}}'),
  ),
  MAIL_URL: rule(
    fc
      .tuple(
        host,
        fc.option(fc.integer({ min: 1, max: 65_535 })),
        fc.boolean(),
        fc.option(fc.stringMatching(/^[a-z]{1,9}$/)),
      )
      .map(([name, port, tls, user]) => {
        const login = user === null ? "" : `${user}:p%40ss@`;
        const text = `${tls ? "smtps" : "smtp"}://${login}${name}${port === null ? "" : `:${port}`}`;
        const is = { host: name, port: port ?? (tls ? 465 : 587), tls, login: user && { user, password: "p@ss" } };
        return [text, is] as const;
      }),
    (server) => ({ mail: { server } }),
    fc.oneof(
      host,
      origin,
      host.map((name) => `smtp://${name}/path`),
      fc.constantFrom(
        "smtp://",
        "smtps://a.example?starttls=optional",
        "smtp://a.example?tls=off",
        "smtp://%zz@a.example",
      ),
    ),
  ),
  MAIL_FROM: rule<object>(
    fc.oneof(
      host.map((name) => [`no-reply@${name}`, { name: null, address: `no-reply@${name}` }] as const),
      host.map((name) => [`Our Shop <hi@${name}>`, { name: "Our Shop", address: `hi@${name}` }] as const),
      host.map((name) => [`"Shop, Inc." <hi@${name}>`, { name: "Shop, Inc.", address: `hi@${name}` }] as const),
    ),
    (from) => ({ mail: { from } }),
    fc.constantFrom("nobody", "a@b, c@d", "<a@b> c@d", "A <>", "A\nBcc: eve@example.org <a@b>"),
  ),
  MAIL: words({ on: true, off: false }, (on) => ({ mail: { on } })),
  SECOND_FACTOR: words({ optional: "optional", administrators: "administrators", everyone: "everyone" }, (policy) => ({
    secondFactor: { policy },
  })),
  SECOND_FACTOR_GRACE_SECONDS: numbers(0, 31_536_000, (graceSeconds) => ({ secondFactor: { graceSeconds } })),
  FACTOR_RESET_WAIT_SECONDS: numbers(0, 2_592_000, (factorResetWaitSeconds) => ({ factorResetWaitSeconds })),
  TRUSTED_DEVICE_SECONDS: numbers(0, 31_536_000, (trustedDeviceSeconds) => ({ trustedDeviceSeconds })),
  PASSKEY_ORIGINS: rule(
    fc.array(origin, { minLength: 1, maxLength: 3 }).map((list) => [list.join(","), list] as const),
    (passkeyOrigins) => ({ passkeyOrigins }),
    fc.oneof(
      noUrl.filter((text) => !/\s/.test(text)),
      origin.map((text) => `${text}/v1`),
    ),
  ),
  DELETION_DAYS: numbers(0, 90, (deletionDays) => ({ deletionDays })),
  DEMO_PROVIDER: words({ "0": false, "1": true }, (demoProvider) => ({ demoProvider })),
  DEMO_PROVIDER_PORT: numbers(0, 65_535, (demoProviderPort) => ({ demoProviderPort })),
  SHUTDOWN_DELAY_SECONDS: numbers(0, 600, (delaySeconds) => ({ shutdown: { delaySeconds } })),
  SHUTDOWN_TIMEOUT_SECONDS: numbers(0, 600, (timeoutSeconds) => ({ shutdown: { timeoutSeconds } })),
  DATABASE_LISTEN_URL: rule(
    asItIs(host.map((name) => `postgres://lockstep@${name}/lockstep`)),
    (databaseListenUrl) => ({ databaseListenUrl }),
    fc.oneof(noUrl, ftp),
  ),
  LOG_REQUESTS: words({ on: true, off: false }, (logRequests) => ({ logRequests })),
  METRICS_TOKEN: secrets(() => ({})),
  METRICS_PORT: numbers(0, 65_535, (port) => ({ metrics: { listen: { port } } })),
  METRICS_HOST: rule(asItIs(fc.constantFrom("localhost", "127.0.0.1", "::1")), () => ({}), null),
  LOG_LEVEL: words({ fatal: "fatal", warn: "warn", trace: "trace", silent: "silent" }, (logLevel) => ({ logLevel })),
  CHALLENGE: words({ off: "off", auto: "auto", on: "on" }, (challenge) => ({ challenge })),
  SIGN_IN_CODE: words({ on: true, off: false }, (signInCode) => ({ signInCode })),
  SIGN_UP: words({ open: "open", invited: "invited", off: "off" }, (policy) => ({ signUp: { policy } })),
  SIGN_UP_DOMAINS: rule<readonly string[]>(
    fc.constantFrom(
      ["example.com", ["example.com"]] as const,
      ["Example.com, bücher.example", ["example.com", "xn--bcher-kva.example"]] as const,
    ),
    (domains) => ({ signUp: { domains } }),
    fc.constantFrom("localhost", "@example.com", "a@example.com", "example.com:25", "*.example.com"),
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: rule(
    asItIs(origin),
    (endpoint) => ({ traces: { url: `${endpoint}/v1/traces` } }),
    fc.oneof(noUrl, ftp),
  ),
  OTEL_EXPORTER_OTLP_HEADERS: rule(
    asItIs(fc.constantFrom("authorization=Bearer%20x", "a=b, c=d=e,")),
    () => ({}),
    fc.constantFrom("authorization", "a b=c", "=c", "a=%0D%0A", "a=%", "a="),
  ),
  OTEL_SERVICE_NAME: rule(asItIs(host), () => ({}), null),
  OTEL_TRACES_SAMPLER: words({ always_on: 1, parentbased_traceidratio: 1 }, () => ({})),
  OTEL_TRACES_SAMPLER_ARG: rule(
    asItIs(fc.constantFrom("0", "0.25", "1")),
    () => ({}),
    fc.constantFrom("-0.1", "1.1", "half"),
  ),
  WEB_DEV_URL: rule(asItIs(origin), (webDevUrl) => ({ webDevUrl }), fc.oneof(noUrl, ftp)),
};
const names = Object.keys(rules) as (keyof Environment)[];

/** Any settings, each with a valid value. */
const validEnvironment = fc.record(
  Object.fromEntries(names.map((name) => [name, rules[name].valid])) as Record<string, Rule["valid"]>,
  { requiredKeys: [] },
);
const textsOf = (given: Partial<Record<string, { text: string }>>) =>
  Object.fromEntries(Object.entries(given).map(([name, value]) => [name, value?.text]));

/** The same with one invalid value. */
const invalidAmongValid = fc.oneof(
  ...names.flatMap((name) => {
    const { invalid } = rules[name];
    if (invalid === null) return [];
    return [fc.record({ given: validEnvironment, text: invalid, name: fc.constant(name) })];
  }),
);

describe("settings", () => {
  it("have defaults for a first start", () => {
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

  it("accept origins of web apps and of apps on devices", () => {
    const origins = ["capacitor://localhost", "tauri://localhost", "http://localhost:8081", "https://app.example.com"];
    expect(load({ ALLOWED_ORIGINS: origins.join() }).allowedOrigins).toEqual(origins);
    expect(load({ ...production, ALLOWED_ORIGINS: origins.join() }).allowedOrigins).toEqual(origins);
    expect(load({}).allowedOrigins).toEqual([]);
  });

  it("read what to trace from the variables of OpenTelemetry", () => {
    expect(load({}).traces).toBeNull();
    expect(
      load({
        OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318/otlp/",
        OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20a%2Cb, x-team = red",
        OTEL_SERVICE_NAME: "accounts",
        OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
        OTEL_TRACES_SAMPLER_ARG: "0.1",
      }).traces,
    ).toEqual({
      url: "http://collector:4318/otlp/v1/traces",
      headers: { authorization: "Bearer a,b", "x-team": "red" },
      serviceName: "accounts",
      sampler: { name: "parentbased_traceidratio", ratio: 0.1 },
    });
  });

  it("use the port in the public URL in development", () => {
    expect(load({ PORT: "4000" }).publicUrl).toBe("http://localhost:4000");
  });

  it("accept a PostgreSQL URL, an absolute file, proxies and peppers", () => {
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

  it("serve with several processes on PostgreSQL alone", () => {
    const DATABASE_URL = "postgres://db/lockstep";
    const counted = (env: Record<string, string>) => workerCount(load(env), 8);
    expect(counted({})).toBe(1);
    expect(counted({ DATABASE_URL, WORKERS: "4" })).toBe(4);
    expect(counted({ DATABASE_URL, WORKERS: "auto" })).toBe(8);
    expect(counted({ DATABASE_URL, WORKERS: "auto", DEMO_PROVIDER: "1" })).toBe(1);
    expect(counted({ WORKERS: "auto" })).toBe(1);
    expect(() => load({ WORKERS: "2" })).toThrow(
      new StartError(
        "WORKERS: 2 processes need PostgreSQL. Set DATABASE_URL to a PostgreSQL database, or leave WORKERS out.",
      ),
    );
    expect(() => load({ DATABASE_URL, WORKERS: "2", DEMO_PROVIDER: "1" })).toThrow(
      new StartError("WORKERS: must be 1 with DEMO_PROVIDER=1."),
    );
  });

  it.each<[Record<string, string>, string]>([
    [{ PORT: "http" }, "PORT: must be a port number."],
    [{ PORT: "70000" }, "PORT:"],
    [{ MAIL: "ON" }, "MAIL: must be on or off."],
    [{ SIGN_UP: "everybody" }, "SIGN_UP: must be open, invited or off."],
    [{ NODE_ENV: "staging" }, "NODE_ENV: must be development, production or test."],
    [{ LOG_LEVEL: "loud" }, "LOG_LEVEL: must be fatal, error, warn, info, debug, trace or silent."],
    [{ SECRET: "short" }, "SECRET: must have at least 32 characters"],
    [{ SECRET: "a".repeat(32) }, "SECRET: is a repetition or a sequence"],
    [{ SECRET_PREVIOUS: "a" }, "SECRET_PREVIOUS: contains a secret that can be guessed"],
    [{ PEPPER: "b".repeat(64) }, "PEPPER: is a repetition"],
    [{ PEPPER_PREVIOUS: "b".repeat(64) }, "PEPPER_PREVIOUS: contains a secret that can be guessed"],
    [{ REGISTRATION: "token", REGISTRATION_TOKEN: "0123456789".repeat(4) }, "REGISTRATION_TOKEN: is a repetition"],
    [{ DATABASE_URL: "mysql://db" }, "DATABASE_URL: must begin with file: or postgres://."],
    [{ PUBLIC_URL: "api.example.com" }, "PUBLIC_URL: must be a URL such as"],
    [{ PUBLIC_URL: "https://api.example.com/v1" }, "PUBLIC_URL: must be an origin, without a path."],
    [{ PUBLIC_URL: "ftp://example.com" }, "PUBLIC_URL:"],
    [{ ALLOWED_ORIGINS: "*" }, 'ALLOWED_ORIGINS: has "*", but wildcards are not allowed: list each origin.'],
    [{ ALLOWED_ORIGINS: "https://*.example.com" }, "but wildcards are not allowed"],
    [{ ALLOWED_ORIGINS: "null" }, 'has "null", which is the origin of every sandboxed page, whoever made it.'],
    [{ ALLOWED_ORIGINS: "app.example.com" }, "which is not an origin such as https://app.example.com."],
    [{ ALLOWED_ORIGINS: "https://app.example.com/" }, "with a slash at its end: write https://app.example.com."],
    [{ ALLOWED_ORIGINS: "https://app.example.com/v1" }, "which is more than an origin: write https://app.example.com."],
    [{ ALLOWED_ORIGINS: "https://app.example.com?a" }, "which is more than an origin: write https://app.example.com."],
    [{ ALLOWED_ORIGINS: "https://App.example.com" }, "which browsers write as https://app.example.com: write that."],
    [{ ALLOWED_ORIGINS: "https://a.example:443" }, "which browsers write as https://a.example: write that."],
    [{ ALLOWED_ORIGINS: "https://me@a.example" }, "which browsers write as https://a.example: write that."],
    [{ ALLOWED_ORIGINS: "https://müller.example" }, "write as https://xn--mller-kva.example: write that."],
    [{ ALLOWED_ORIGINS: "capacitor://Localhost" }, "which browsers write as capacitor://localhost: write that."],
    [{ ALLOWED_ORIGINS: "ftp://a.example" }, "whose scheme is none of https, http, capacitor, ionic, tauri, app,"],
    [{ ALLOWED_ORIGINS: "javascript://a.example" }, "whose scheme is none of"],
    [{ ALLOWED_ORIGINS: "file:///index.html" }, "whose scheme is none of"],
    [{ ALLOWED_ORIGINS: "capacitor://" }, "which names no host."],
    [{ ALLOWED_ORIGINS: "https://a.example, https://b.example/" }, 'has "https://b.example/", with a slash'],
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
    ...[
      "mail.example.com",
      "smtp://",
      "smtp://mail.example.com:0",
      "smtp://one.example.com,two.example.com",
      "smtp://mail.example.com%0d%0a",
      "smtp://user@mail.example.com",
      "smtp://:password@mail.example.com",
      "smtp://user:pass#word@mail.example.com",
    ].map((MAIL_URL): [Record<string, string>, string] => [{ MAIL_URL }, "MAIL_URL: must be smtp:// or smtps:// and"]),
    [{ MAIL_FROM: "nobody" }, "MAIL_FROM: must be an e-mail address, or a name and an address"],
    [{ PROVIDERS: '{"google":{}}' }, "PROVIDERS: google.clientId: is missing."],
    [{ PROVIDERS: "nowhere.json" }, "PROVIDERS: is neither JSON nor a file that can be read."],
    [{ PROVIDERS: "a\u0000b" }, "PROVIDERS: is neither JSON nor a file that can be read."],
  ])("report the error in %j", (env, message) => {
    expect(() => load(env)).toThrow(message);
    expect(() => load(env)).toThrow(StartError);
  });

  it("accept identity providers as JSON or from a file", async () => {
    const json = JSON.stringify({ google: { clientId: "an id", clientSecret: "a secret" } });
    const directory = await mkdtemp(join(tmpdir(), "lockstep-"));
    await writeFile(join(directory, "providers.json"), json);
    const fromFile = loadConfig({ PROVIDERS: "providers.json" }, directory).providers;
    expect(fromFile).toMatchObject([{ name: "google", clientId: "an id" }]);
    expect(load({ PROVIDERS: ` ${json}` }).providers).toEqual(fromFile);
    expect(load({}).providers).toEqual([]);
    await rm(directory, { recursive: true });
  });

  it("report all errors at once", () => {
    expect(() => load({ PORT: "x", SECRET: "y" })).toThrow(/PORT: .*\nSECRET: /);
  });

  it("are read unchanged when each is valid, in any combination", () => {
    fc.assert(
      fc.property(validEnvironment, (given) => {
        const config = load(textsOf(given));
        for (const value of Object.values(given)) expect(config).toMatchObject(value?.is ?? {});
      }),
      { numRuns: 300 },
    );
  });

  it("are refused with the name of the invalid one", () => {
    fc.assert(
      fc.property(invalidAmongValid, ({ given, name, text }) => {
        const env = { ...textsOf(given), [name]: text };
        expect(() => load(env)).toThrow(
          expect.objectContaining({ name: "StartError", message: expect.stringMatching(`^${name}: [^\n]*$`) }),
        );
      }),
      { numRuns: 500 },
    );
  });

  it("are accepted or refused in one sentence, for any environment", () => {
    const anyEnvironment = fc.dictionary(fc.constantFrom(...names, "OTHER"), fc.string());
    fc.assert(
      fc.property(anyEnvironment, (env) => {
        try {
          expect(load(env).port).toBeLessThanOrEqual(65_535);
        } catch (error) {
          expect(error).toBeInstanceOf(StartError);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("accept a registration token, and require it", () => {
    const env = { REGISTRATION: "token", REGISTRATION_TOKEN: secret };
    expect(load(env).registration).toEqual({ token: secret });
    expect(() => load({ REGISTRATION: "token" })).toThrow("REGISTRATION_TOKEN: required by REGISTRATION=token");
  });
});

describe("production", () => {
  it("starts with the required settings", () => {
    expect(load(production)).toMatchObject({
      production: true,
      host: "0.0.0.0",
      publicUrl: "https://api.example.com",
      shutdown: { delaySeconds: 5, timeoutSeconds: 10 },
    });
  });

  it("starts without a mail server when mail is off", () => {
    expect(load({ ...production, MAIL_URL: undefined, MAIL_FROM: undefined, MAIL: "off" }).mail).toMatchObject({
      on: false,
      server: null,
    });
  });

  it("sends mail without TLS only to its own machine, or where the mail server's address allows it", () => {
    const plaintext = (MAIL_URL: string, others = production) => load({ ...others, MAIL_URL }).mail.server?.plaintext;
    expect(plaintext("smtp://mail.example.com")).toBe(false);
    expect(plaintext("smtp://mail.example.com?starttls=optional")).toBe(true);
    for (const own of ["localhost", "127.0.0.1", "[::1]"]) expect(plaintext(`smtp://${own}:25`)).toBe(true);
    expect(plaintext("smtp://mail.example.com", { ...production, NODE_ENV: "development" })).toBe(true);
  });

  it.each<[Record<string, string | undefined>, string]>([
    [{ PUBLIC_URL: undefined }, "PUBLIC_URL: required in production: the https:// URL"],
    [{ PUBLIC_URL: "http://api.example.com" }, "PUBLIC_URL: required in production: the https:// URL"],
    [{ SECRET: undefined }, "SECRET: required in production"],
    [{ SECRET: developmentSecretPrefix + secret }, "SECRET: this secret was generated for development"],
    [{ TRUST_PROXY: undefined }, "TRUST_PROXY: required in production"],
    [{ MAIL_URL: undefined }, "Or set MAIL=off, which sends no mail and turns off: sign-up by mail, recovery"],
    [{ MAIL_FROM: undefined }, "MAIL_FROM: required in production with MAIL_URL"],
    [{ DEMO_PROVIDER: "1" }, "DEMO_PROVIDER: not allowed in production"],
    [{ BCRYPT_COST: "10" }, "BCRYPT_COST: must be at least 12 in production"],
    [
      { ALLOWED_ORIGINS: "https://app.example.com http://app.example.com" },
      "ALLOWED_ORIGINS: has http://app.example.com: in production, http is allowed only for pages on the user's own machine.",
    ],
    [{ ALLOWED_ORIGINS: "http://localhost.example.com" }, "ALLOWED_ORIGINS: has http://localhost.example.com"],
    [{ ALLOWED_ORIGINS: "*" }, "wildcards are not allowed"],
  ])("refuses %j", (change, message) => {
    expect(() => load({ ...production, ...change })).toThrow(message);
  });
});

/** A default in the form in which an operator writes the setting. */
const asWritten = (name: string, value: unknown): string => {
  if (Array.isArray(value)) return value.length === 0 ? "none" : `\`${value.join(",")}\``;
  if (typeof value === "boolean")
    return name === "DEMO_PROVIDER" ? `\`${Number(value)}\`` : `\`${value ? "on" : "off"}\``;
  return `\`${value}\``;
};

describe("docs/settings.md", () => {
  it("lists every setting with its default and its meaning", async () => {
    const rows = Object.entries(settings).map(([name, schema]) => {
      const fallback = schema.safeParse(undefined);
      const shown = fallback.success && fallback.data !== undefined ? asWritten(name, fallback.data) : "";
      return `| \`${name}\` | ${shown} | ${schema.description ?? ""} |`;
    });
    for (const row of rows) expect(row).toMatch(/\| \S.*\. \|$/);
    const page = [
      "# Settings",
      "",
      "The server reads these environment variables at start. Durations are in seconds.",
      "",
      "Generated from `packages/server/src/config.ts` by `npm run docs:update`; a test fails when it is out of date.",
      "",
      "| setting | default | meaning |",
      "|---|---|---|",
      ...rows,
      "",
    ];
    await expect(page.join("\n")).toMatchFileSnapshot("../../../docs/settings.md");
  });
});
