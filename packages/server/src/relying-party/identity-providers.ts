// Owns the configured identity providers, by name.

import type { Now } from "../domain/kernel/environment.ts";
import type { Outbound } from "../outbound.ts";
import { createGithubProvider } from "./github.ts";
import type { IdentityProvider } from "./identity-provider.ts";
import type { IdentityProviderSettings } from "./identity-provider-settings.ts";
import { createOpenidProvider } from "./openid.ts";

export type IdentityProviders = ReadonlyMap<string, IdentityProvider>;

export const createIdentityProviders = ({
  settings,
  outbound,
  now,
}: {
  settings: readonly IdentityProviderSettings[];
  outbound: Outbound;
  now: Now;
}): IdentityProviders =>
  new Map(
    settings.map((each) => {
      const create = each.protocol === "github" ? createGithubProvider : createOpenidProvider;
      return [each.name, create({ settings: each, fetch: outbound.fetchFor(each), now })];
    }),
  );
