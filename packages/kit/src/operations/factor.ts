// Owns the declarations of `factor.*`: the signed-in user's second factors and passkeys.

import { z } from "zod";
import { CompleteFactorInput, Enrolment, Factor, FactorKind, FactorList, FactorName } from "../factors.ts";
import { Id } from "../ids.ts";
import { firstParty, mutation, query } from "./words.ts";

const FactorId = z.object({ factorId: Id.describe("The ID of a factor, from the list of factors") });

export const factor = {
  list: query({
    summary: "List the signed-in user's factors and trusted devices",
    access: firstParty(),
    output: FactorList,
  }),
  begin: mutation({
    summary: "Begin to add a factor",
    access: firstParty({ maxAgeSeconds: 15 * 60 }),
    input: z.object({ kind: FactorKind }),
    output: Enrolment,
    errors: ["TOO_MANY_FACTORS", "PASSKEYS_OFF"],
  }),
  complete: mutation({
    summary: "Add a factor that was begun",
    access: firstParty({ maxAgeSeconds: 15 * 60 }),
    input: CompleteFactorInput,
    output: Factor,
    errors: ["FACTOR_REFUSED", "CHALLENGE_EXPIRED", "TOO_MANY_FACTORS", "CREDENTIALS_IN_BATCH"],
    credential: true,
  }),
  rename: mutation({
    summary: "Rename a factor",
    access: firstParty({ factors: 2, maxAgeSeconds: 15 * 60 }),
    input: FactorId.extend({ name: FactorName }),
    output: Factor,
    errors: ["FACTOR_NOT_FOUND"],
  }),
  remove: mutation({
    summary: "Remove a factor, and end the other sessions that it was proved in",
    access: firstParty({ factors: 2, maxAgeSeconds: 15 * 60 }),
    input: FactorId,
    output: z.object({}),
    errors: ["FACTOR_NOT_FOUND", "LAST_FACTOR"],
  }),
  renewRecoveryCodes: mutation({
    summary: "Make ten new recovery codes, in place of the old ones",
    access: firstParty({ factors: 2, maxAgeSeconds: 15 * 60 }),
    output: z.object({
      /** Shown once: the server keeps only their hashes. `BCDF-GHJK-LMNP` */
      codes: z.array(z.string()),
    }),
    errors: ["OVERLOADED"],
  }),
  /** Without an age: whoever proved two factors at the sign-in can stop it. A step-up with a factor stops it, too. */
  cancelReset: mutation({
    summary: "Stop the removal of every factor that an operator began",
    access: firstParty({ factors: 2 }),
    output: z.object({}),
  }),
  forgetDevice: mutation({
    summary: "Stop trusting a device",
    access: firstParty(),
    input: z.object({ deviceId: Id.describe("The ID of a trusted device, from the list of factors") }),
    output: z.object({}),
    errors: ["TRUSTED_DEVICE_NOT_FOUND"],
  }),
};
