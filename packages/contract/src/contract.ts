// The contract of this app: every operation, the engine's and its own. Add yours here; the compiler then asks for its
// handler in apps/server.

import { defineContract, engine, type RouterOf } from "@lockstep/kit";
import { z } from "zod";
import { errors, roles, scopes } from "./words.ts";

export const contract = defineContract(
  {
    scopes,
    roles,
    errors,
    areas: { demo: "What a protected route looks like" },
  },
  ({ query, scoped }) => ({
    ...engine,
    demo: {
      greeting: query({
        summary: "Greet the signed-in user, to show a protected route",
        access: scoped("greeting:read"),
        rest: { method: "GET", path: "/protected-route" },
        output: z.object({
          message: z.string().meta({ examples: ["Hello, John Doe! This is a protected route."] }),
        }),
      }),
    },
  }),
);

export type Contract = typeof contract;

/** The tRPC router type that clients are typed by. */
export type AppRouter = RouterOf<Contract>;
