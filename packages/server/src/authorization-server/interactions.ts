// Owns the person's side of an authorization request: what the web app reads of it, and what their answer does.

import type { AuthorizationAsker, AuthorizationRequest } from "@lockstep/kit";
import { decodeJwt } from "jose";
import type { Interaction, InteractionResults, Provider } from "oidc-provider";
import type { AuthorizationRequestHere, AuthorizationRequests } from "../domain/clients/authorization-requests.ts";
import { type Clients, isSecretOf } from "../domain/clients/clients.ts";
import type { Grants } from "../domain/clients/grants.ts";
import type { Clock } from "../domain/kernel/clock.ts";
import { DomainError } from "../domain/kernel/domain-error.ts";
import type { Secrets } from "../domain/kernel/secrets.ts";
import type { Session, SessionLimits } from "../domain/sessions/sessions.ts";
import type { Scopes } from "../domain/tokens/scopes.ts";
import type { DecidedBy } from "./adapter.ts";
import type { Binding } from "./browser-binding.ts";
import { duringCall } from "./call.ts";

export const createAuthorizationRequests = ({
  provider,
  issuer,
  clients,
  grants,
  scopes,
  secrets,
  limits,
  now,
  clock,
}: {
  provider: () => Promise<Provider>;
  issuer: string;
  clients: Clients;
  grants: Grants;
  scopes: Scopes;
  secrets: Secrets;
  limits: SessionLimits;
  now: () => number;
  clock: Pick<Clock, "offsetMs">;
}): AuthorizationRequests => {
  const find = async ({ id, browserSecret }: AuthorizationRequestHere) => {
    const library = await provider();
    const interaction: (Interaction & Partial<Binding>) | undefined = await library.Interaction.find(id);
    if (!interaction || browserSecret === null || !isSecretOf(interaction.browserHash ?? "", browserSecret))
      throw new DomainError("AUTHORIZATION_NOT_FOUND");
    const client = await clients.view(String(interaction.params["client_id"]));
    const registered = client && (await clients.registrationOf(client.id));
    // The owner changed the client after the request began: the person must not answer the old request.
    if (!registered || registered.revision !== interaction.clientRevision)
      throw new DomainError("AUTHORIZATION_NOT_FOUND");
    return { library, interaction, client };
  };

  /** The greatest allowed age of the sign-in in seconds; `null`: any age. */
  const maxAge = ({ params, iat }: Interaction): number | null => {
    // The library's `iat` is of its machine's clock.
    const sinceItBegan = Math.max(0, Math.ceil((now() - clock.offsetMs()) / 1000 - iat));
    if (promptsOf(params).includes("login")) return sinceItBegan;
    const given = params["max_age"] === undefined ? null : Number(params["max_age"]);
    return given === null ? null : Math.max(given, sinceItBegan);
  };

  /** Whether this session cannot answer: it is too old, or belongs to another person than `id_token_hint` names. */
  const mustSignIn = (interaction: Interaction, session: Session): boolean => {
    const hint = interaction.params["id_token_hint"];
    // OpenID Connect Core §3.1.2.1. The library has verified the hint, and does not check it again after the answer.
    if (typeof hint === "string" && decodeJwt(hint).sub !== session.userId) return true;
    const seconds = maxAge(interaction);
    return seconds !== null && now() - session.authenticatedAt > seconds * 1000;
  };

  const finish = async (interaction: Interaction, result: InteractionResults) => {
    interaction.result = result;
    await interaction.persist();
    return { redirectTo: interaction.returnTo };
  };

  return {
    async asker(request): Promise<AuthorizationAsker> {
      const { interaction, client } = await find(request);
      const hint = interaction.params["login_hint"];
      return { client, loginHint: typeof hint === "string" ? hint.slice(0, 254) : null };
    },

    async read(request, user, session): Promise<AuthorizationRequest> {
      const { library, interaction, client } = await find(request);
      const asked = new Set(scopes.grantableIn(interaction.params["scope"]));
      const before = await grants.scopesOf(user.id, client.id);
      const registered = await library.Client.find(client.id);
      const silent = client.verified && registered?.applicationType !== "native" && !interaction.deviceCode;
      return {
        client,
        returnsTo: interaction.deviceCode ? null : placeOf(interaction.params["redirect_uri"]),
        scopes: scopes.worded(asked).map((scope) => ({ ...scope, grantedBefore: before.has(scope.name) })),
        lastsSeconds: limits.idleSeconds,
        signInAgain: mustSignIn(interaction, session),
        consent:
          !silent ||
          promptsOf(interaction.params).includes("consent") ||
          [...asked].some((scope) => !before.has(scope)),
      };
    },

    async approve(request, user, session, source): Promise<{ redirectTo: string }> {
      const { library, interaction, client } = await find(request);
      if (mustSignIn(interaction, session)) {
        throw new DomainError("REAUTHENTICATION_REQUIRED", {
          maxAgeSeconds: maxAge(interaction) ?? 0,
          factors: 1,
          phishingResistant: false,
        });
      }
      return duringCall({ source, presented: null, report: () => {} }, async () => {
        const granted = scopes.grantableIn(interaction.params["scope"]).join(" ");
        // One grant for each request, also for concurrent approvals.
        const grant = new library.Grant({ accountId: user.id, clientId: client.id });
        grant.jti = secrets.mac("oauth-grants", `${interaction.uid}:${user.id}`);
        grant.addOIDCScope(granted);
        // Every allowed resource is a name of this API.
        for (const resource of [interaction.params["resource"] ?? issuer].flat())
          grant.addResourceScope(String(resource), granted);
        const decidedBy: DecidedBy = { sessionId: session.id };
        return finish(interaction, {
          login: { accountId: user.id, ts: Math.floor(session.authenticatedAt / 1000) },
          consent: { grantId: await grant.save() },
          ...decidedBy,
        });
      });
    },

    async deny(request): Promise<{ redirectTo: string }> {
      const { interaction } = await find(request);
      return finish(interaction, { error: "access_denied", error_description: "The user denied the request" });
    },
  };
};

const promptsOf = (params: Interaction["params"]): string[] => String(params["prompt"] ?? "").split(" ");

/** The part of a URI that a person can recognize: its host, or an app's own scheme. */
export const placeOf = (uri: unknown): string | null => {
  if (typeof uri !== "string" || !URL.canParse(uri)) return null;
  const { host, protocol } = new URL(uri);
  return host || protocol;
};
