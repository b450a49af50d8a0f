// The contract: every operation of this backend. Add yours here; the compiler then asks for its handler.

import { z } from "zod";
import { anyone, firstParty, scoped } from "./access.ts";
import { mutation, query } from "./operation.ts";
import type { RouterOf } from "./router.ts";
import { LoginInput, LoginResult } from "./sign-in.ts";
import { UpdateUserInput, User } from "./users.ts";

export const contract = {
  auth: {
    login: mutation({
      summary: "Sign in with a username or e-mail address and a password",
      access: anyone,
      input: LoginInput,
      output: LoginResult,
      errors: ["INVALID_CREDENTIALS"],
    }),
    logout: mutation({
      summary: "End this session",
      access: firstParty(),
      output: z.object({}),
    }),
  },
  user: {
    me: query({
      summary: "Read the signed-in user",
      access: scoped("profile:read"),
      output: User,
    }),
    update: mutation({
      summary: "Change the signed-in user's name or e-mail address",
      access: scoped("profile:write"),
      input: UpdateUserInput,
      output: User,
      errors: ["EMAIL_TAKEN"],
    }),
  },
  demo: {
    greeting: query({
      summary: "Greet the signed-in user, to show a protected route",
      access: scoped("greeting:read"),
      output: z.object({ message: z.string() }),
    }),
  },
};

/** The tRPC router type that clients are typed by. */
export type AppRouter = RouterOf<typeof contract>;
