// Owns the router: each area of the contract with the procedures that implement it.

import { contract } from "@lockstep/contract";
import type { Sessions } from "../domain/sessions.ts";
import type { SignIn } from "../domain/sign-in.ts";
import type { Users } from "../domain/users.ts";
import { authProcedures } from "./auth.ts";
import { demoProcedures } from "./demo.ts";
import { createRouter } from "./trpc.ts";
import { userProcedures } from "./user.ts";

export const createAppRouter = (domain: { signIn: SignIn; sessions: Sessions; users: Users }) =>
  createRouter(contract, {
    auth: authProcedures(domain),
    user: userProcedures(domain),
    demo: demoProcedures(),
  });

export type AppRouter = ReturnType<typeof createAppRouter>;
