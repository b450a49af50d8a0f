// Owns the settings: every environment variable with its default and its rules. `docs/settings.md` is generated from
// this file.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { EmailAddress, SignUpPolicy } from "@lockstep/kit";
import { z } from "zod";
import { type DatabaseUrl, defaultPoolSize } from "./db/database.ts";
import type { SignUpSettings } from "./domain/accounts/sign-up-rules.ts";
import type { ChallengeSetting } from "./domain/admission/admission.ts";
import type { SecondFactorSettings } from "./domain/factors/factor-policy.ts";
import type { SessionLimits } from "./domain/sessions/sessions.ts";
import { ProxyRange } from "./http/forwarded-for.ts";
import type { MetricsSettings } from "./http/metrics.ts";
import { isLoopback, PageOrigin } from "./http/page-origins.ts";
import { MailFrom, type MailSettings, MailUrl, needsMail } from "./mail-settings.ts";
import { type IdentityProviderSettings, parseIdentityProviders } from "./relying-party/identity-provider-settings.ts";
import { PreviousSecrets, Secret } from "./secret-setting.ts";
import { StartError } from "./start-error.ts";
import { type TracesSettings, tracesEnvironment, tracesSettingsOf } from "./traces-settings.ts";

/** The prefix of secrets that development creates, so that production can refuse them. */
export const developmentSecretPrefix = "development-only-";

const flag = z.enum(["on", "off"], { error: "must be on or off" }).transform((value) => value === "on");
const day = 24 * 60 * 60;
const seconds = z.coerce.number().int().min(60);
/** The most processes of one server. */
const maxWorkers = 128;
/** The longest shutdown that can be configured. */
const maxShutdownSeconds = 600;
const list = z.string().transform((value) => value.split(/[\s,]+/).filter(Boolean));

/** In the form of the contract's `EmailAddress`: lower case, ASCII. */
const MailDomain = z
  .string()
  .transform((domain) => EmailAddress.safeParse(`x@${domain}`).data?.slice(2) ?? "")
  .refine((domain) => domain !== "", { error: "must be domains, such as example.com" });

const Environment = z.object({
  NODE_ENV: z
    .enum(["development", "production", "test"], { error: "must be development, production or test" })
    .default("development")
    .describe("`production` enables the rules for production, such as required settings."),
  PORT: z.coerce
    .number({ error: "must be a port number" })
    .int()
    .min(0)
    .max(65_535)
    .default(3000)
    .describe("Port to listen on. 0 picks a free port."),
  HOST: z.string().optional().describe("Address to listen on. Default: `localhost`; in production `0.0.0.0`."),
  PUBLIC_URL: z
    .url({ protocol: /^https?$/, error: "must be a URL such as https://api.example.com", abort: true })
    .refine((url) => URL.canParse(url) && new URL(url).pathname === "/" && !/[?#]/.test(url), {
      error: "must be an origin, without a path",
    })
    .transform((url) => new URL(url).origin)
    .optional()
    .describe(
      "Public address of the server, and the issuer of its tokens: the origin that the browser shows, also behind a proxy. Required in production, with https.",
    ),
  ALLOWED_ORIGINS: list
    .pipe(z.array(PageOrigin))
    .default([])
    .describe(
      "Other origins whose pages may call RPC, separated by commas, such as `https://app.example.com,capacitor://localhost` ([sessions.md](sessions.md#pages-of-other-origins)).",
    ),
  CONTACT: z
    .union([z.email(), z.url({ protocol: /^https?$/ })], {
      error: "must be an e-mail address or the address of a page",
    })
    .optional()
    .describe("Contact for client developers in `/openapi.json`: an e-mail address or a URL. Default: `PUBLIC_URL`."),
  DATABASE_URL: z
    .string()
    .regex(/^(file:.|postgres(ql)?:\/\/.)/, { error: "must begin with file: or postgres://" })
    .default("file:.data/lockstep.db")
    .describe("`file:` and a path for SQLite, or a PostgreSQL connection string."),
  DATABASE_LISTEN_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\/./, { error: "must begin with postgres://" })
    .optional()
    .describe(
      "Connection string that reaches PostgreSQL itself, for news between servers, when `DATABASE_URL` goes through a pooler. Default: `DATABASE_URL`.",
    ),
  DATABASE_POOL: z.coerce
    .number()
    .int()
    .min(1)
    .max(1000)
    .default(defaultPoolSize)
    .describe(
      "Maximum number of PostgreSQL connections of this server; with `WORKERS`, of each process. The sum over all servers must stay below PostgreSQL's `max_connections`.",
    ),
  WORKERS: z
    .union([z.literal("auto"), z.coerce.number().int().min(1).max(maxWorkers)], {
      error: `must be auto, or a number from 1 to ${maxWorkers}`,
    })
    .default(1)
    .describe(
      "How many processes serve the port: a number, or `auto` for one per core. More than one needs PostgreSQL; on SQLite, `auto` is one ([deploy.md](deploy.md#more-than-one-core)).",
    ),
  SECRET: Secret.optional().describe(
    "Key for refresh tokens and for the encryption of signing keys. At least 32 characters. Required in production; development generates one.",
  ),
  SECRET_PREVIOUS: PreviousSecrets.default([]).describe(
    "Earlier values of `SECRET`, separated by commas, that are still accepted.",
  ),
  PEPPER: Secret.optional().describe("Additional key for password hashes. Store it separately from the database."),
  PEPPER_PREVIOUS: PreviousSecrets.default([]).describe(
    "Earlier values of `PEPPER`, separated by commas, for passwords that were hashed with them.",
  ),
  BCRYPT_COST: z.coerce
    .number()
    .int()
    .min(10)
    .max(16)
    .default(12)
    .describe("bcrypt cost of new password hashes. Hashes with a lower cost are upgraded at sign-in."),
  SESSION_IDLE_SECONDS: seconds.default(14 * day).describe("Lifetime of a session without a refresh."),
  SESSION_LIFETIME_SECONDS: seconds.default(90 * day).describe("Maximum lifetime of a session."),
  REFRESH_GRACE_SECONDS: z.coerce
    .number()
    .int()
    .min(0)
    .max(60)
    .default(10)
    .describe(
      "How long a replaced refresh token still returns its successor, for tabs and servers that refresh at the same time.",
    ),
  PASSWORD_GRANT: flag
    .default(true)
    .describe("Whether `POST /token` accepts a username and a password from first-party clients: `on` or `off`."),
  REGISTRATION: z
    .enum(["off", "token", "open"], { error: "must be off, token or open" })
    .default("off")
    .describe(
      "Who may register clients at `POST /register` (RFC 7591): `off` (nobody), `token` (anybody with `REGISTRATION_TOKEN`) or `open` (anybody).",
    ),
  REGISTRATION_TOKEN: Secret.optional().describe("Token for `POST /register` when `REGISTRATION` is `token`."),
  TRUST_PROXY: z
    .union([flag, list.pipe(z.array(ProxyRange))])
    .optional()
    .describe(
      "Whose `X-Forwarded-*` headers are trusted: `off`, `on` (everybody's), or addresses and ranges of proxies, such as `10.0.0.0/8`. Required in production.",
    ),
  BREACHED_PASSWORDS_URL: z
    .url()
    .optional()
    .describe(
      "A Have I Been Pwned range API that new passwords are checked with, such as `https://api.pwnedpasswords.com/range/`.",
    ),
  PROVIDERS: z
    .string()
    .optional()
    .describe(
      'Identity providers as JSON, such as `{"google": {"clientId": "…", "clientSecret": "…"}}`, or the name of a JSON file ([identity-providers.md](identity-providers.md)).',
    ),
  MAIL_URL: MailUrl.optional().describe(
    "Mail server: `smtp://user:password@mail.example.com:587`, or `smtps://…` for TLS from the start. Required in production, unless `MAIL=off` ([accounts.md](accounts.md#mail)). Without it, development catches mails and shows them at `/dev/mail`.",
  ),
  MAIL_FROM: MailFrom.optional().describe(
    "Sender of mails: an e-mail address, or a name and an address, such as `Example <no-reply@example.com>`. Default: `no-reply@` and the host of `PUBLIC_URL`; required in production with `MAIL_URL`.",
  ),
  MAIL: flag.default(true).describe("`off` sends no mail, and turns off what needs it."),
  SIGN_UP: SignUpPolicy.default("open").describe(
    "Who may create an account, by mail or with an identity provider: `open` (everybody), `invited` (addresses that were invited with `lockstep user invite`) or `off` (nobody).",
  ),
  SIGN_UP_DOMAINS: list
    .pipe(z.array(MailDomain))
    .optional()
    .describe(
      "Domains of e-mail addresses that may create an account, separated by commas, such as `example.com`. Default: all.",
    ),
  SIGN_IN_CODE: flag
    .default(false)
    .describe(
      "Whether people can sign in with a code that is sent to their verified address, in place of the password: `on` or `off` ([accounts.md](accounts.md#signing-in-with-a-code)).",
    ),
  SECOND_FACTOR: z
    .enum(["optional", "administrators", "everyone"])
    .default("optional")
    .describe(
      "Who needs a second factor or a passkey: nobody (`optional`), users with the role `admin` or above (`administrators`), or `everyone`. Users who have one are always asked for it ([factors.md](factors.md#who-needs-one)).",
    ),
  SECOND_FACTOR_GRACE_SECONDS: z.coerce
    .number()
    .int()
    .min(0)
    .max(365 * day)
    .default(7 * day)
    .describe(
      "How long a user who needs a second factor can still sign in without one, counted from the first sign-in under `SECOND_FACTOR`. 0: not at all.",
    ),
  TRUSTED_DEVICE_SECONDS: z.coerce
    .number()
    .int()
    .min(0)
    .max(365 * day)
    .default(30 * day)
    .describe("How long a device that a user trusts can sign in without a second factor. 0 turns it off."),
  FACTOR_RESET_WAIT_SECONDS: z.coerce
    .number()
    .int()
    .min(0)
    .max(30 * day)
    .default(day)
    .describe(
      "How long after `lockstep user factors reset` the factors of a user are removed. Until then the user can stop it by signing in with one of them ([factors.md](factors.md#lost-factors)). 0: at once.",
    ),
  PASSKEY_ORIGINS: list
    .pipe(z.array(PageOrigin))
    .default([])
    .describe(
      "Other origins whose pages may use the passkeys of `PUBLIC_URL`, separated by commas, such as `https://example.org` ([factors.md](factors.md#passkeys)).",
    ),
  DELETION_DAYS: z.coerce
    .number()
    .int()
    .min(0)
    .max(90)
    .default(14)
    .describe(
      "How many days the deletion of an account can be cancelled. 0 deletes at once ([accounts.md](accounts.md#deletion)).",
    ),
  CHALLENGE: z
    .enum(["off", "auto", "on"])
    .default("auto")
    .describe(
      "Whether a browser or program must do a second of work before somebody can sign in, sign up or recover an account: `off`, `auto` (while there are more attempts than people make) or `on` (always) ([accounts.md](accounts.md#challenges)).",
    ),
  DEMO_PROVIDER: z
    .enum(["0", "1"], { error: "must be 0 or 1" })
    .transform((value) => value === "1")
    .default(false)
    .describe("Development: `1` runs a demo identity provider beside the server."),
  DEMO_PROVIDER_PORT: z.coerce
    .number({ error: "must be a port number" })
    .int()
    .min(0)
    .max(65_535)
    .default(4180)
    .describe("Port of the demo identity provider, on the loopback interface. 0 picks a free port."),
  SHUTDOWN_DELAY_SECONDS: z.coerce
    .number()
    .min(0)
    .max(maxShutdownSeconds)
    .optional()
    .describe(
      "How long the server still accepts calls after SIGTERM or SIGINT, while `/readyz` answers 503 and the load balancer stops sending calls. Default: 0; in production 5.",
    ),
  SHUTDOWN_TIMEOUT_SECONDS: z.coerce
    .number()
    .min(0)
    .max(maxShutdownSeconds)
    .default(10)
    .describe("How long calls may take to finish after that. Then the server aborts the rest and exits."),
  LOG_LEVEL: z
    .enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"], {
      error: "must be fatal, error, warn, info, debug, trace or silent",
    })
    .optional()
    .describe("Minimum level of log entries. Default: `warn`; in production `info`."),
  LOG_REQUESTS: flag
    .default(false)
    .describe("Whether each request is logged, at the level `info`, without its URL, headers and body: `on` or `off`."),
  METRICS_TOKEN: Secret.optional().describe(
    "Token for `GET /metrics`, as `Authorization: Bearer`. Without it and without `METRICS_PORT`, nothing is measured ([deploy.md](deploy.md#metrics)).",
  ),
  METRICS_PORT: z.coerce
    .number({ error: "must be a port number" })
    .int()
    .min(0)
    .max(65_535)
    .optional()
    .describe("Port of `GET /metrics`, apart from `PORT`."),
  METRICS_HOST: z
    .string()
    .default("localhost")
    .describe("Address to listen on for `METRICS_PORT`. One that other machines reach needs `METRICS_TOKEN`."),
  ...tracesEnvironment,
  WEB_DEV_URL: z
    .url({ protocol: /^https?$/, error: "must be a URL such as http://localhost:5173" })
    .optional()
    .describe(
      "Development: address of Vite, which serves the web app from its sources. `npm run dev` sets it to `http://localhost:5173`.",
    ),
});

export type Environment = z.input<typeof Environment>;

export interface Config {
  readonly production: boolean;
  readonly port: number;
  readonly host: string;
  readonly publicUrl: string;
  readonly allowedOrigins: readonly string[];
  /** An e-mail address or a URL; `null`: not set. */
  readonly contact: string | null;
  readonly databaseUrl: DatabaseUrl;
  readonly databasePool: number;
  /** `null`: as `databaseUrl`. */
  readonly databaseListenUrl: string | null;
  /** Processes. `auto`: `workerCount`. */
  readonly workers: number | "auto";
  /** `null`: development creates one and keeps it. */
  readonly secret: string | null;
  readonly previousSecrets: readonly string[];
  readonly sessionLimits: SessionLimits;
  readonly pepper: string | null;
  readonly previousPeppers: readonly string[];
  readonly bcryptCost: number;
  readonly passwordGrant: boolean;
  readonly registration: "off" | "open" | { readonly token: string };
  readonly trustProxy: boolean | string[];
  readonly breachedPasswordsUrl: string | null;
  readonly providers: readonly IdentityProviderSettings[];
  readonly mail: MailSettings;
  readonly signUp: SignUpSettings;
  readonly signInCode: boolean;
  readonly secondFactor: SecondFactorSettings;
  /** 0: no device is trusted. */
  readonly trustedDeviceSeconds: number;
  /** How long an operator's reset of factors waits for the owner to stop it. 0: not at all. */
  readonly factorResetWaitSeconds: number;
  readonly passkeyOrigins: readonly string[];
  readonly deletionDays: number;
  readonly challenge: ChallengeSetting;
  readonly demoProvider: boolean;
  readonly demoProviderPort: number;
  readonly shutdown: { readonly delaySeconds: number; readonly timeoutSeconds: number };
  readonly logLevel: string;
  readonly logRequests: boolean;
  /** `null`: nothing is measured. */
  readonly metrics: MetricsSettings | null;
  /** `null`: nothing is traced. */
  readonly traces: TracesSettings | null;
  readonly webDevUrl: string | null;
}

/** Every setting with its description, for the documentation. */
export const settings: Readonly<Record<string, z.ZodType>> = Environment.shape;

/**
 * Reads the settings.
 * @param env such as `process.env`; an empty value counts as absent
 * @param root the folder that a relative database path is relative to
 * @throws StartError that names every invalid setting and how to fix it
 */
export const loadConfig = (env: Record<string, string | undefined>, root: string): Config => {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ""));
  const parsed = Environment.safeParse(given);
  if (!parsed.success) {
    throw new StartError(parsed.error.issues.map((issue) => `${String(issue.path[0])}: ${issue.message}.`).join("\n"));
  }
  const e = parsed.data;
  const production = e.NODE_ENV === "production";
  if (production) assertReadyForProduction(e);
  return {
    production,
    port: e.PORT,
    host: e.HOST ?? (production ? "0.0.0.0" : "localhost"),
    publicUrl: e.PUBLIC_URL ?? `http://localhost:${e.PORT}`,
    allowedOrigins: e.ALLOWED_ORIGINS,
    contact: e.CONTACT ?? null,
    databaseUrl: absolute(e.DATABASE_URL, root),
    databasePool: e.DATABASE_POOL,
    databaseListenUrl: e.DATABASE_LISTEN_URL ?? null,
    workers: workersOf(e),
    secret: e.SECRET ?? null,
    previousSecrets: e.SECRET_PREVIOUS,
    sessionLimits: {
      idleSeconds: e.SESSION_IDLE_SECONDS,
      lifetimeSeconds: e.SESSION_LIFETIME_SECONDS,
      graceSeconds: e.REFRESH_GRACE_SECONDS,
    },
    pepper: e.PEPPER ?? null,
    previousPeppers: e.PEPPER_PREVIOUS,
    bcryptCost: e.BCRYPT_COST,
    passwordGrant: e.PASSWORD_GRANT,
    registration: registrationOf(e),
    trustProxy: e.TRUST_PROXY ?? false,
    breachedPasswordsUrl: e.BREACHED_PASSWORDS_URL ?? null,
    providers: loadProviders(e.PROVIDERS, root),
    mail: {
      on: e.MAIL,
      // A mail server on the machine of a developer, or beside it, often has no certificate.
      server: e.MAIL_URL ? { ...e.MAIL_URL, plaintext: e.MAIL_URL.plaintext || !production } : null,
      from: e.MAIL_FROM ?? { name: null, address: `no-reply@${new URL(e.PUBLIC_URL ?? "http://localhost").hostname}` },
    },
    signUp: { policy: e.SIGN_UP, domains: e.SIGN_UP_DOMAINS ?? null },
    signInCode: e.SIGN_IN_CODE,
    secondFactor: { policy: e.SECOND_FACTOR, graceSeconds: e.SECOND_FACTOR_GRACE_SECONDS },
    trustedDeviceSeconds: e.TRUSTED_DEVICE_SECONDS,
    factorResetWaitSeconds: e.FACTOR_RESET_WAIT_SECONDS,
    passkeyOrigins: e.PASSKEY_ORIGINS,
    deletionDays: e.DELETION_DAYS,
    challenge: e.CHALLENGE,
    demoProvider: e.DEMO_PROVIDER,
    demoProviderPort: e.DEMO_PROVIDER_PORT,
    shutdown: {
      delaySeconds: e.SHUTDOWN_DELAY_SECONDS ?? (production ? 5 : 0),
      timeoutSeconds: e.SHUTDOWN_TIMEOUT_SECONDS,
    },
    logLevel: e.LOG_LEVEL ?? (production ? "info" : "warn"),
    logRequests: e.LOG_REQUESTS,
    metrics: metricsOf(e),
    traces: tracesSettingsOf(e),
    webDevUrl: e.WEB_DEV_URL ?? null,
  };
};

const workersOf = ({ WORKERS: workers, DATABASE_URL: url, DEMO_PROVIDER }: z.output<typeof Environment>) => {
  if (workers === "auto" || workers === 1) return workers;
  if (url.startsWith("file:"))
    throw new StartError(
      `WORKERS: ${workers} processes need PostgreSQL. Set DATABASE_URL to a PostgreSQL database, or leave WORKERS out.`,
    );
  // It keeps the codes that it issued in its process.
  if (DEMO_PROVIDER) throw new StartError("WORKERS: must be 1 with DEMO_PROVIDER=1.");
  return workers;
};

/** How many processes serve on a machine with this many cores. */
export const workerCount = ({ workers, databaseUrl, demoProvider }: Config, cores: number): number => {
  if (workers !== "auto") return workers;
  return databaseUrl.startsWith("file:") || demoProvider ? 1 : cores;
};

const registrationOf = ({ REGISTRATION: policy, REGISTRATION_TOKEN: token }: z.output<typeof Environment>) => {
  if (policy !== "token") return policy;
  if (!token)
    throw new StartError(
      "REGISTRATION_TOKEN: required by REGISTRATION=token. Generate one with `openssl rand -base64 32`.",
    );
  return { token };
};

const metricsOf = (e: z.output<typeof Environment>): MetricsSettings | null => {
  const { METRICS_PORT: port, METRICS_HOST: host } = e;
  const token = e.METRICS_TOKEN ?? null;
  if (port === undefined) return token === null ? null : { token, listen: null };
  if (token === null && !isLoopback(`http://${host.includes(":") ? `[${host}]` : host}`))
    throw new StartError(
      `METRICS_TOKEN: required, since other machines may reach METRICS_HOST=${host}. Generate one with \`openssl rand -base64 32\`.`,
    );
  return { token, listen: { host, port } };
};

const assertReadyForProduction = (e: z.output<typeof Environment>) => {
  const missing = [
    !e.PUBLIC_URL?.startsWith("https://") &&
      "PUBLIC_URL: required in production: the https:// URL at which clients reach this server.",
    ...e.ALLOWED_ORIGINS.map(
      (origin) =>
        origin.startsWith("http://") &&
        !isLoopback(origin) &&
        `ALLOWED_ORIGINS: has ${origin}: in production, http is allowed only for pages on the user's own machine.`,
    ),
    !e.SECRET &&
      "SECRET: required in production, with at least 32 characters. Generate one with `openssl rand -base64 32`.",
    e.SECRET?.startsWith(developmentSecretPrefix) &&
      "SECRET: this secret was generated for development, where others may have seen it. Generate another with `openssl rand -base64 32`.",
    e.TRUST_PROXY === undefined &&
      "TRUST_PROXY: required in production: `off`, or the addresses of the proxies in front of this server.",
    e.MAIL &&
      !e.MAIL_URL &&
      `MAIL_URL: required in production: the mail server, such as smtp://user:password@mail.example.com:587. Or set MAIL=off, which sends no mail and turns off: ${needsMail.join(", ")}.`,
    e.MAIL &&
      e.MAIL_URL &&
      !e.MAIL_FROM &&
      "MAIL_FROM: required in production with MAIL_URL: the sender of mails, such as no-reply@example.com.",
    e.DEMO_PROVIDER && "DEMO_PROVIDER: not allowed in production, because anybody could sign in as anybody.",
    e.BCRYPT_COST < 12 && "BCRYPT_COST: must be at least 12 in production.",
  ].filter((line) => typeof line === "string");
  if (missing.length > 0) throw new StartError(missing.join("\n"));
};

/** @throws StartError with one line for each invalid setting */
const loadProviders = (setting: string | undefined, root: string): readonly IdentityProviderSettings[] => {
  if (setting === undefined) return [];
  const parsed = parseIdentityProviders(
    setting.trimStart().startsWith("{") ? setting : readProviders(resolve(root, setting)),
  );
  if ("faults" in parsed) throw new StartError(parsed.faults.map((fault) => `PROVIDERS: ${fault}`).join("\n"));
  return parsed.providers;
};

const readProviders = (file: string): string => {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // Never print the name: it contains secrets when the first brace of the JSON was left out.
    throw new StartError("PROVIDERS: is neither JSON nor a file that can be read.");
  }
};

const absolute = (url: string, root: string) =>
  (url.startsWith("file:") ? `file:${resolve(root, url.slice("file:".length))}` : url) as DatabaseUrl;
