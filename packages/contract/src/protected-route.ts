// The protected route of the FastAPI guide. Delete it when you do not need it: this file, those of the same name in
// apps/server, and the lines that name them.

import { defineFeature } from "@lockstep/kit";
import { z } from "zod";

export const protectedRoute = defineFeature(
  { areas: { demo: "An example of a protected route" } },
  ({ query, scoped }) => ({
    demo: {
      greeting: query({
        summary: "Greet the signed-in user, to show a protected route",
        access: scoped("profile:read"),
        rest: { method: "GET", path: "/protected-route" },
        output: z.object({
          message: z.string().meta({ examples: ["Hello, John Doe! This is a protected route."] }),
        }),
      }),
    },
  }),
);
