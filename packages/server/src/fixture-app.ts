// Owns the app that the engine's own tests serve: the engine, and one operation of an app.

import { defineContract, engine, engineErrors, engineRoles, engineScopes } from "@lockstep/kit";
import { z } from "zod";
import { defineApp } from "./app.ts";

export const fixtureContract = defineContract(
  {
    scopes: { ...engineScopes, "photos:read": "See your photos" },
    roles: engineRoles,
    errors: engineErrors,
    areas: { photo: "Photos of the signed-in user" },
  },
  ({ query, scoped }) => ({
    ...engine,
    photo: {
      album: query({
        summary: "Read the title of the signed-in user's album",
        access: scoped("photos:read"),
        rest: { method: "GET", path: "/api/album" },
        output: z.object({ title: z.string() }),
      }),
    },
  }),
);

export const fixtureApp = defineApp({
  brand: { name: "Lockstep" },
  contract: fixtureContract,
  procedures: ({ implement }) => ({
    photo: {
      album: implement(fixtureContract.operations.photo.album).handle(({ ctx }) => ({
        title: `Photos of ${ctx.principal.user.fullName}`,
      })),
    },
  }),
  developmentClients: {
    "lockstep-cli": {
      name: "Lockstep in the terminal",
      kind: "native",
      redirectUris: ["http://127.0.0.1/callback"],
      scopes: ["profile:read", "photos:read"],
    },
  },
});
