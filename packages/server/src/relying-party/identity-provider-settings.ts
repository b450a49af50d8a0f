// Owns the setting `PROVIDERS`: the identity providers that people can sign in with, each with our client ID and
// secret, and presets for well-known ones. `docs/identity-providers.md` explains it to operators.

import { z } from "zod";
import type { IdentityProviderRules } from "../domain/identities/identities.ts";

/** The settings of one identity provider. */
export interface IdentityProviderSettings extends IdentityProviderRules {
  /** `github` supports only OAuth 2: no discovery, no ID token. */
  readonly protocol: "openid" | "github";
  /** Compared exactly; some end with a slash. */
  readonly issuer: string;
  /** The URL of its metadata, if not at the standard place below the issuer. */
  readonly discoveryUrl: string | null;
  readonly clientId: string;
  /** `null`: a public client, protected by PKCE alone. */
  readonly clientSecret: string | null;
  /** `null`: chosen from its metadata, `client_secret_basic` first (RFC 6749 §2.3.1). */
  readonly clientAuthentication: "client_secret_basic" | "client_secret_post" | null;
  readonly scopes: readonly string[];
  readonly allowPrivateAddresses: boolean;
  /**
   * Which values of `acr`, and of the list `amr`, in its ID tokens count as two factors, and as phishing-resistant.
   * Others count as one factor. Default: all do.
   */
  readonly assurance?: { readonly "2fa": readonly string[]; readonly phr: readonly string[] };
}

const https = z.url({ protocol: /^https?$/, error: "must be a URL such as https://id.example.com" });
const hostFault = { error: "must be a host name such as acme.okta.com" };
const host = z.string(hostFault).regex(/^[a-z0-9.-]+\.[a-z]+$/i, hostFault);

const common = {
  label: z.string().min(1).max(60).optional(),
  clientId: z.string({ error: "is missing" }).min(1),
  clientSecret: z.string().min(1).optional(),
  clientAuthentication: z.enum(["client_secret_basic", "client_secret_post"]).optional(),
  scopes: z.array(z.string().regex(/^[!#-[\]-~]+$/, { error: "must be a scope" })).optional(),
  create: z
    .union(
      [
        z.enum(["always", "never"]),
        z
          .array(
            z
              .string()
              .toLowerCase()
              .regex(/^[^\s@]+\.[^\s@]+$/),
          )
          .nonempty(),
      ],
      { error: "must be always, never, or a list of e-mail domains" },
    )
    .default("always"),
  endSession: z.boolean().default(false),
  discoveryUrl: https.optional(),
  allowPrivateAddresses: z.boolean().default(false),
  assurance: z
    .strictObject({ "2fa": z.array(z.string()).default([]), phr: z.array(z.string()).default([]) })
    .default({ "2fa": [], phr: [] }),
};

const preset = <P extends string, S extends z.ZodRawShape>(name: P, shape: S) =>
  z.strictObject({ preset: z.literal(name), ...common, ...shape });

const ProviderEntry = z.discriminatedUnion(
  "preset",
  [
    preset("google", {}),
    preset("microsoft", {
      /** `common`: any organisation's and any personal account. */
      tenant: z
        .string()
        .regex(/^[a-z0-9.-]+$/i, { error: "must be a tenant's id" })
        .default("common"),
    }),
    preset("okta", { domain: host }),
    preset("auth0", { domain: host }),
    preset("keycloak", { issuer: https }),
    preset("github", { issuer: https.default("https://github.com") }),
    preset("openid", { issuer: https }),
  ],
  { error: "must be one of google, microsoft, okta, auth0, keycloak, github" },
);
type ProviderEntry = z.infer<typeof ProviderEntry>;

const labels = {
  google: "Google",
  microsoft: "Microsoft",
  okta: "Okta",
  auth0: "Auth0",
  keycloak: "Keycloak",
  github: "GitHub",
  openid: null,
} as const satisfies Record<ProviderEntry["preset"], string | null>;

const issuerOf = (entry: ProviderEntry): string => {
  switch (entry.preset) {
    case "google":
      return "https://accounts.google.com";
    case "microsoft":
      return `https://login.microsoftonline.com/${entry.tenant}/v2.0`;
    case "okta":
      return `https://${entry.domain}`;
    case "auth0":
      return `https://${entry.domain}/`;
    default:
      return entry.issuer;
  }
};

const settingsOf = (name: string, entry: ProviderEntry): IdentityProviderSettings => {
  const github = entry.preset === "github";
  return {
    name,
    label: entry.label ?? labels[entry.preset] ?? name,
    protocol: github ? "github" : "openid",
    issuer: issuerOf(entry),
    discoveryUrl: entry.discoveryUrl ?? null,
    clientId: entry.clientId,
    clientSecret: entry.clientSecret ?? null,
    clientAuthentication:
      entry.clientAuthentication ?? (github || entry.preset === "auth0" ? "client_secret_post" : null),
    scopes: entry.scopes ?? (github ? ["read:user", "user:email"] : ["openid", "email", "profile"]),
    create: entry.create,
    endSession: entry.endSession,
    freshness: github || entry.preset === "google" ? "select_account" : "prompt_login",
    allowPrivateAddresses: entry.allowPrivateAddresses,
    assurance: entry.assurance,
  };
};

const Name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/);

/**
 * Reads `PROVIDERS` as JSON. An entry whose name is a preset uses it; any other entry needs an issuer and is an OpenID
 * provider.
 * @returns the identity providers, or one sentence for each error. Sentences never quote a value, which may be a secret
 */
export const parseIdentityProviders = (
  json: string,
): { readonly providers: readonly IdentityProviderSettings[] } | { readonly faults: readonly string[] } => {
  let given: unknown;
  try {
    given = JSON.parse(json);
  } catch {
    return { faults: ["must be JSON."] };
  }
  const entries = z.record(z.string(), z.looseObject({})).safeParse(given);
  if (!entries.success)
    return { faults: ['must be an object of providers by name: {"google": {"clientId": "…", "clientSecret": "…"}}.'] };

  const faults: string[] = [];
  const providers: IdentityProviderSettings[] = [];
  for (const [name, entry] of Object.entries(entries.data)) {
    if (!Name.safeParse(name).success) {
      faults.push("an identity provider's name must be of lower-case letters, digits and dashes, up to 32.");
      continue;
    }
    const parsed = ProviderEntry.safeParse({ preset: Object.hasOwn(labels, name) ? name : "openid", ...entry });
    if (!parsed.success) {
      faults.push(...parsed.error.issues.map((issue) => `${[name, ...issue.path].join(".")}: ${issue.message}.`));
      continue;
    }
    const settings = settingsOf(name, parsed.data);
    if (settings.protocol === "openid" && !settings.scopes.includes("openid"))
      faults.push(`${name}.scopes: must have "openid" among them.`);
    if (settings.protocol === "github" && settings.clientSecret === null)
      faults.push(`${name}.clientSecret: is missing.`);
    // Two with the same issuer would open each other's accounts under different rules.
    if (providers.some(({ issuer }) => issuer === settings.issuer))
      faults.push(`${name}: another provider has the same issuer.`);
    providers.push(settings);
  }
  return faults.length > 0 ? { faults } : { providers };
};
