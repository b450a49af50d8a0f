// Owns the declarations of `authorization.*`: authorization requests of clients.

import { z } from "zod";
import { AuthorizationAsker, AuthorizationRequest } from "../clients.ts";
import { Id } from "../ids.ts";
import { anyone, firstParty, mutation, query } from "./words.ts";

const AuthorizationId = z.object({ authorizationId: Id });

export const authorization = {
  asker: query({
    summary: "Read which client requests authorization, before the sign-in",
    access: anyone,
    input: AuthorizationId,
    output: AuthorizationAsker,
    errors: ["AUTHORIZATION_NOT_FOUND"],
  }),
  read: query({
    summary: "Read an authorization request",
    access: firstParty(),
    input: AuthorizationId,
    output: AuthorizationRequest,
    errors: ["AUTHORIZATION_NOT_FOUND"],
  }),
  approve: mutation({
    summary: "Approve an authorization request",
    access: firstParty(),
    input: AuthorizationId,
    output: z.object({ redirectTo: z.string() }),
    errors: ["AUTHORIZATION_NOT_FOUND", "REAUTHENTICATION_REQUIRED"],
  }),
  deny: mutation({
    summary: "Deny an authorization request",
    access: firstParty(),
    input: AuthorizationId,
    output: z.object({ redirectTo: z.string() }),
    errors: ["AUTHORIZATION_NOT_FOUND"],
  }),
};
