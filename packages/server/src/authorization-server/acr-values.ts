// Owns `acr_values`: how well the client wants the person to prove who they are (OpenID Connect Core §3.1.2.1, RFC 9470
// §4). A request that cannot be met fails with `unmet_authentication_requirements`.

import { type Acr, acrValues } from "@lockstep/kit";
import { errors, interactionPolicy, type KoaContextWithOIDC } from "oidc-provider";
import { levelsFrom } from "../domain/factors/assurance.ts";

/** The least of the levels that a client asks for; any above it will do too. `null`: it asks for none that exists. */
export const requestedLevel = (given: unknown): Acr | null => {
  const names = typeof given === "string" ? given.split(" ") : [];
  return acrValues.find((level) => names.includes(level)) ?? null;
};

const isAsked = (given: unknown): boolean => typeof given === "string" && given.trim() !== "";

/** @throws UnmetAuthenticationRequirements when nobody can prove any of the levels, before the person is asked */
export const refuseUnknownLevels = ({ oidc: { params } }: KoaContextWithOIDC): void => {
  const given = params?.["acr_values"];
  if (isAsked(given) && requestedLevel(given) === null)
    throw new errors.UnmetAuthenticationRequirements("none of the requested ACRs exists");
};

/** Asks the person again when their session at the authorization server proved less than the client asks for. */
export const levelCheck = new interactionPolicy.Check(
  "acr_values",
  "none of the requested ACRs could be obtained",
  "unmet_authentication_requirements",
  ({ oidc }) => {
    const requested = requestedLevel(oidc.params?.["acr_values"]);
    // What a person's answer proved was checked when they gave it.
    if (requested === null || oidc.result?.login) return false;
    return !levelsFrom(requested).some((level) => level === (oidc.acr ?? "1fa"));
  },
);
