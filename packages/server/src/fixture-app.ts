// Owns the app that the engine's own tests serve: the engine, and one operation of an app.

import { defineContract, engine, engineErrors, engineRoles, engineScopes } from "@lockstep/kit";
import { z } from "zod";
import { defineApp } from "./app.ts";

export const fixtureContract = defineContract(
  {
    scopes: { ...engineScopes, "greeting:read": "Be greeted on your behalf" },
    roles: engineRoles,
    errors: engineErrors,
    areas: { demo: "What a protected route looks like" },
  },
  ({ query, scoped }) => ({
    ...engine,
    demo: {
      greeting: query({
        summary: "Greet the signed-in user, to show a protected route",
        access: scoped("greeting:read"),
        rest: { method: "GET", path: "/protected-route" },
        output: z.object({ message: z.string() }),
      }),
    },
  }),
);

export const fixtureApp = defineApp({
  brand: { name: "Lockstep" },
  contract: fixtureContract,
  procedures: ({ implement }) => ({
    demo: {
      greeting: implement(fixtureContract.operations.demo.greeting).handle(({ ctx }) => ({
        message: `Hello, ${ctx.principal.user.fullName}! This is a protected route.`,
      })),
    },
  }),
  developmentClients: {
    "lockstep-cli": {
      name: "Lockstep in the terminal",
      kind: "native",
      redirectUris: ["http://127.0.0.1/callback"],
      scopes: ["profile:read", "greeting:read"],
    },
  },
});
