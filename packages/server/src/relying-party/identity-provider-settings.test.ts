import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseIdentityProviders } from "./identity-provider-settings.ts";

const client = { clientId: "an id", clientSecret: "a secret" };

const settingsOf = (entries: object) => {
  const parsed = parseIdentityProviders(JSON.stringify(entries));
  if ("faults" in parsed) throw new Error(parsed.faults.join("\n"));
  return parsed.providers;
};
const faultsOf = (json: unknown) => {
  const parsed = parseIdentityProviders(typeof json === "string" ? json : JSON.stringify(json));
  return "faults" in parsed ? parsed.faults : [];
};

describe("the settings of identity providers", () => {
  it.each<[string, object, string, string]>([
    ["google", client, "https://accounts.google.com", "Google"],
    ["microsoft", client, "https://login.microsoftonline.com/common/v2.0", "Microsoft"],
    ["microsoft", { ...client, tenant: "9188040d" }, "https://login.microsoftonline.com/9188040d/v2.0", "Microsoft"],
    ["okta", { ...client, domain: "acme.okta.com" }, "https://acme.okta.com", "Okta"],
    ["auth0", { ...client, domain: "acme.eu.auth0.com" }, "https://acme.eu.auth0.com/", "Auth0"],
    [
      "keycloak",
      { ...client, issuer: "https://id.example.com/realms/x" },
      "https://id.example.com/realms/x",
      "Keycloak",
    ],
    ["github", client, "https://github.com", "GitHub"],
    ["acme", { ...client, issuer: "https://id.acme.example" }, "https://id.acme.example", "acme"],
    ["work", { ...client, preset: "okta", domain: "acme.okta.com", label: "Acme" }, "https://acme.okta.com", "Acme"],
  ])("include a preset for %s", (name, entry, issuer, label) => {
    expect(settingsOf({ [name]: entry })).toMatchObject([{ name, issuer, label, clientId: "an id" }]);
  });

  it("need only an ID and a secret with a preset, and have safe defaults", () => {
    expect(settingsOf({ google: client })).toEqual([
      {
        name: "google",
        label: "Google",
        protocol: "openid",
        issuer: "https://accounts.google.com",
        discoveryUrl: null,
        clientId: "an id",
        clientSecret: "a secret",
        clientAuthentication: null,
        scopes: ["openid", "email", "profile"],
        create: "always",
        endSession: false,
        freshness: "select_account",
        allowPrivateAddresses: false,
        assurance: { "2fa": [], phr: [] },
      },
    ]);
  });

  it("accept the domains for which accounts are created, compared case-insensitively", () => {
    expect(settingsOf({ google: { ...client, create: ["Acme.example"] } })[0]?.create).toEqual(["acme.example"]);
  });

  it.each<[unknown, string]>([
    ["{", "must be JSON."],
    ["[]", "must be an object of providers by name"],
    [{ google: "x" }, "must be an object of providers by name"],
    [{ google: {} }, "google.clientId: is missing."],
    [{ Google: client }, "an identity provider's name must be"],
    [{ "a/b": client }, "an identity provider's name must be"],
    [{ acme: client }, "acme.issuer: must be a URL such as https://id.example.com."],
    [{ acme: { ...client, issuer: "id.acme.example" } }, "acme.issuer: must be a URL"],
    [{ okta: client }, "okta.domain: must be a host name such as acme.okta.com."],
    [{ okta: { ...client, domain: "https://acme.okta.com" } }, "okta.domain: must be a host name"],
    [{ acme: { ...client, preset: "facebook" } }, "acme.preset: must be one of google,"],
    [{ google: { ...client, create: "sometimes" } }, "google.create: must be always, never, or a list"],
    [{ google: { ...client, create: [] } }, "google.create:"],
    [{ google: { ...client, scopes: ["email"] } }, 'google.scopes: must have "openid" among them.'],
    [{ google: { ...client, secret: "x" } }, "google: Unrecognized key"],
    [{ github: { clientId: "x" } }, "github.clientSecret: is missing."],
    [{ google: client, second: { ...client, preset: "google" } }, "second: another provider has the same issuer."],
  ])("report the error in %j", (json, fault) => {
    expect(faultsOf(json)[0]).toContain(fault);
  });

  it("report all errors at once, and never a secret", () => {
    const faults = faultsOf({ google: { clientSecret: "top secret", create: "top secret" }, okta: client });
    expect(faults.length).toBe(3);
    expect(faults.join()).not.toContain("secret.");
    expect(faults.join()).not.toContain("top");
  });

  it("are providers or errors for any input", () => {
    const anything = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .dictionary(fc.constantFrom("google", "okta", "x", "__proto__"), fc.object())
        .map((value) => JSON.stringify(value)),
    );
    fc.assert(
      fc.property(anything, (json) => {
        const parsed = parseIdentityProviders(json);
        if ("faults" in parsed) expect(parsed.faults.length).toBeGreaterThan(0);
        else expect(parsed.providers.length).toBeLessThanOrEqual(4);
      }),
    );
  });
});
