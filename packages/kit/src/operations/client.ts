// Owns the declarations of `client.*`: the clients that the signed-in user has registered.

import { z } from "zod";
import { OAuthClient, RegisterClientInput, RegisteredClient } from "../clients.ts";
import { Id } from "../ids.ts";
import { firstParty, mutation, query } from "./words.ts";

const ClientId = z.object({ clientId: Id.describe("The `client_id` of a client") });

export const client = {
  list: query({
    summary: "List the clients that the signed-in user has registered",
    access: firstParty(),
    output: z.array(OAuthClient),
  }),
  register: mutation({
    summary: "Register a client",
    access: firstParty(),
    input: RegisterClientInput,
    output: RegisteredClient,
    errors: ["CLIENT_NAME_REFUSED"],
  }),
  update: mutation({
    summary: "Change a registered client",
    access: firstParty({ maxAgeSeconds: 15 * 60 }),
    input: RegisterClientInput.safeExtend(ClientId.shape),
    output: OAuthClient,
    errors: ["CLIENT_NOT_FOUND", "CLIENT_NAME_REFUSED"],
  }),
  rotateSecret: mutation({
    summary: "Replace the secret of a registered client",
    access: firstParty({ maxAgeSeconds: 15 * 60 }),
    input: ClientId,
    output: RegisteredClient,
    errors: ["CLIENT_NOT_FOUND", "CLIENT_HAS_NO_SECRET"],
  }),
  delete: mutation({
    summary: "Delete a registered client and every grant to it",
    access: firstParty({ maxAgeSeconds: 15 * 60 }),
    input: ClientId,
    output: z.object({}),
    errors: ["CLIENT_NOT_FOUND"],
  }),
};
