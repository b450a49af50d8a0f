import { ActionError, defineAction } from "astro:actions";
import { errorOf } from "@lockstep/client";
import { z } from "astro/zod";

export const server = {
  signIn: defineAction({
    accept: "form",
    input: z.object({ username: z.string(), password: z.string() }),
    handler: async (credentials, { locals }) => {
      try {
        await locals.api.auth.login.mutate(credentials);
      } catch (thrown) {
        const error = errorOf("auth.login", thrown); // the union of the errors that this operation declares
        if (error?.code === "INVALID_CREDENTIALS")
          throw new ActionError({ code: "UNAUTHORIZED", message: "The username or the password is wrong." });
        if (error?.code === "TOO_MANY_ATTEMPTS")
          throw new ActionError({
            code: "TOO_MANY_REQUESTS",
            message: `Too many attempts. Try again in ${error.details.retryAfterSeconds} seconds.`,
          });
        throw thrown;
      }
    },
  }),

  signOut: defineAction({
    accept: "form",
    handler: async (_form, { locals }) => {
      await locals.api.auth.logout.mutate();
    },
  }),
};
