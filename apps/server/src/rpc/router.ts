// Owns the router: each area of the contract with the procedures that implement it.

import { contract } from "@lockstep/contract";
import { authProcedures } from "./auth.ts";
import { demoProcedures } from "./demo.ts";
import { identityProcedures } from "./identity.ts";
import { sessionProcedures } from "./session.ts";
import { createRouter } from "./trpc.ts";
import { userProcedures } from "./user.ts";

/** What the procedures stand on. */
type Domain = Parameters<typeof authProcedures>[0] &
  Parameters<typeof userProcedures>[0] &
  Parameters<typeof sessionProcedures>[0] &
  Parameters<typeof identityProcedures>[0];

export const createAppRouter = (domain: Domain) =>
  createRouter(contract, {
    auth: authProcedures(domain),
    user: userProcedures(domain),
    session: sessionProcedures(domain),
    identity: identityProcedures(domain),
    demo: demoProcedures(),
  });

export type AppRouter = ReturnType<typeof createAppRouter>;
