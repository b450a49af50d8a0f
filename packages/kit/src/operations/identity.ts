// Owns the declarations of `identity.*`: the signed-in user's identities.

import { z } from "zod";
import { Identity } from "../identities.ts";
import { Id } from "../ids.ts";
import { firstParty, mutation, query } from "./words.ts";

export const identity = {
  list: query({
    summary: "List the signed-in user's identities",
    access: firstParty(),
    rest: { method: "GET", path: "/users/me/identities" },
    output: z.object({
      hasPassword: z.boolean(),
      /** When the password was last set: epoch milliseconds. `null`: there is none, or nobody knows. */
      passwordSetAt: z.int().nullable(),
      identities: z.array(Identity),
    }),
  }),
  link: mutation({
    summary: "Start linking an identity; returns the URL that the browser continues at",
    access: firstParty({ maxAgeSeconds: 15 * 60 }),
    input: z.object({ provider: z.string().max(100), returnTo: z.string().max(1000).default("/") }),
    output: z.object({ continueAt: z.string() }),
    errors: ["PROVIDER_NOT_FOUND"],
  }),
  unlink: mutation({
    summary: "Unlink an identity, and end the other sessions that started with it",
    access: firstParty({ maxAgeSeconds: 15 * 60 }),
    rest: { method: "DELETE", path: "/users/me/identities/{identityId}" },
    input: z.object({ identityId: Id.describe("The ID of an identity, from the list of identities") }),
    output: z.object({}),
    errors: ["IDENTITY_NOT_FOUND", "LAST_WAY_IN"],
  }),
};
