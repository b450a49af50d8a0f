// Owns the providers of the settings, each by its name.

import type { Now } from "../domain/kernel/environment.ts";
import type { Outbound } from "../outbound.ts";
import { createGithubProvider } from "./github.ts";
import type { Provider } from "./identity-provider.ts";
import type { ProviderSettings } from "./identity-provider-settings.ts";
import { createOpenidProvider } from "./openid.ts";

export type Providers = ReadonlyMap<string, Provider>;

export const createProviders = ({
  settings,
  outbound,
  now,
}: {
  settings: readonly ProviderSettings[];
  outbound: Outbound;
  now: Now;
}): Providers =>
  new Map(
    settings.map((each) => {
      const create = each.protocol === "github" ? createGithubProvider : createOpenidProvider;
      return [each.name, create({ settings: each, fetch: outbound.fetchFor(each), now })];
    }),
  );
