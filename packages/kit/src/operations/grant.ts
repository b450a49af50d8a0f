// Owns the declarations of `grant.*`: what the signed-in user granted to clients.

import { z } from "zod";
import { ConnectedClient } from "../clients.ts";
import { Id } from "../ids.ts";
import { firstParty, mutation, query } from "./words.ts";

const ClientId = z.object({ clientId: Id.describe("The `client_id` of a client") });

export const grant = {
  list: query({
    summary: "List the clients that the signed-in user granted access",
    access: firstParty(),
    rest: { method: "GET", path: "/users/me/grants" },
    output: z.array(ConnectedClient),
  }),
  revoke: mutation({
    summary: "Revoke a client's access to the signed-in user",
    access: firstParty(),
    rest: { method: "DELETE", path: "/users/me/grants/{clientId}" },
    input: ClientId,
    output: z.object({}),
    errors: ["CLIENT_NOT_FOUND"],
  }),
};
