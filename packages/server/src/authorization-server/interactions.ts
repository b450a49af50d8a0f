// Owns the person's side of an authorization request: what the web app reads of it, and what their answer does.

import type { Assurance, AuthorizationAsker, AuthorizationRequest } from "@lockstep/kit";
import { decodeJwt } from "jose";
import type { Interaction, InteractionResults, Provider } from "oidc-provider";
import type { Users } from "../domain/accounts/users.ts";
import type { AuthorizationRequestHere, AuthorizationRequests } from "../domain/clients/authorization-requests.ts";
import { type Clients, isSecretOf } from "../domain/clients/clients.ts";
import type { Grants } from "../domain/clients/grants.ts";
import { claimsOf, isAssured, levelsFrom } from "../domain/factors/assurance.ts";
import type { FactorPolicy } from "../domain/factors/factor-policy.ts";
import type { Clock } from "../domain/kernel/clock.ts";
import { DomainError } from "../domain/kernel/domain-error.ts";
import type { Secrets } from "../domain/kernel/secrets.ts";
import type { Session, SessionLimits } from "../domain/sessions/sessions.ts";
import type { Scopes } from "../domain/tokens/scopes.ts";
import { requestedLevel } from "./acr-values.ts";
import type { DecidedBy } from "./adapter.ts";
import type { Binding } from "./browser-binding.ts";
import { duringCall } from "./call.ts";

export const createAuthorizationRequests = ({
  provider,
  issuer,
  clients,
  grants,
  users,
  factorPolicy,
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
  users: Pick<Users, "findForPolicy">;
  factorPolicy: FactorPolicy;
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

  /** As `maxAge`. A client that requires `auth_time` gets the time of some sign-in: a session without one is not enough. */
  const maxAgeFor = async (interaction: Interaction): Promise<number | null> => {
    const { Client } = await provider();
    const client = await Client.find(String(interaction.params["client_id"]));
    return maxAge(interaction) ?? (client?.requireAuthTime ? limits.lifetimeSeconds : null);
  };

  /** How the person must have proved who they are, for this client and by the policy of this server. */
  const neededFor = async (interaction: Interaction, session: Session): Promise<Assurance> => {
    const subject = await users.findForPolicy(session.userId);
    const requested = requestedLevel(interaction.params["acr_values"]) ?? "1fa";
    const age = await maxAgeFor(interaction);
    return {
      factors: requested !== "1fa" || (subject !== null && factorPolicy.isDue(subject)) ? 2 : 1,
      phishingResistant: requested === "phr",
      ...(age !== null && { maxAgeSeconds: age }),
    };
  };

  /** Whether this session belongs to another person than `id_token_hint` names. */
  const isOther = ({ params: { id_token_hint: hint } }: Interaction, session: Session): boolean =>
    // OpenID Connect Core §3.1.2.1. The library has verified the hint, and does not check it again after the answer.
    typeof hint === "string" && decodeJwt(hint).sub !== session.userId;

  /** What this session has to prove before it can answer. `null`: nothing. */
  const missingFor = async (interaction: Interaction, session: Session) => {
    const needed = await neededFor(interaction, session);
    if (!isOther(interaction, session) && isAssured(session, needed, now())) return null;
    return {
      maxAgeSeconds: needed.maxAgeSeconds ?? (isOther(interaction, session) ? 0 : null),
      factors: needed.factors ?? 1,
      phishingResistant: needed.phishingResistant ?? false,
    };
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
      const missing = await missingFor(interaction, session);
      const asked = new Set(scopes.grantableIn(interaction.params["scope"]));
      const before = await grants.scopesOf(user.id, client.id);
      const registered = await library.Client.find(client.id);
      const silent = client.verified && registered?.applicationType !== "native" && !interaction.deviceCode;
      return {
        client,
        returnsTo: interaction.deviceCode ? null : placeOf(interaction.params["redirect_uri"]),
        scopes: scopes.worded(asked).map((scope) => ({ ...scope, grantedBefore: before.has(scope.name) })),
        lastsSeconds: limits.idleSeconds,
        signInAgain: missing !== null,
        stepUp: missing,
        consent:
          !silent ||
          promptsOf(interaction.params).includes("consent") ||
          [...asked].some((scope) => !before.has(scope)),
      };
    },

    async approve(request, user, session, source): Promise<{ redirectTo: string }> {
      const { library, interaction, client } = await find(request);
      const missing = await missingFor(interaction, session);
      if (missing) throw new DomainError("REAUTHENTICATION_REQUIRED", missing);
      const age = await maxAgeFor(interaction);
      // A client that asked for a time compares it with `auth_time`, which is of all that `acr` says.
      // Whatever the age, a level that was proved at an unknown time has none.
      const since = age === null ? undefined : Math.max(1, now() - age * 1000);
      const { acr, amr, authenticatedAt } = claimsOf(session, since);
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
          login: { accountId: user.id, ts: Math.floor((authenticatedAt ?? 0) / 1000), acr, amr: [...amr] },
          consent: { grantId: await grant.save() },
          ...decidedBy,
        });
      });
    },

    async deny(request, session): Promise<{ redirectTo: string }> {
      const { interaction } = await find(request);
      const requested = requestedLevel(interaction.params["acr_values"]);
      if (requested !== null && !levelsFrom(requested).includes(claimsOf(session).acr))
        return finish(interaction, unmet);
      return finish(interaction, { error: "access_denied", error_description: "The user denied the request" });
    },
  };
};

/** The person proved less than the client asked for. @see OpenID Connect Unmet Authentication Requirements 1.0 */
const unmet: InteractionResults = {
  error: "unmet_authentication_requirements",
  error_description: "The user has not proved what acr_values asks for",
};

const promptsOf = (params: Interaction["params"]): string[] => String(params["prompt"] ?? "").split(" ");

/** The part of a URI that a person can recognize: its host, or an app's own scheme. */
export const placeOf = (uri: unknown): string | null => {
  if (typeof uri !== "string" || !URL.canParse(uri)) return null;
  const { host, protocol } = new URL(uri);
  return host || protocol;
};
