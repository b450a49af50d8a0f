// Owns the procedures of the engine, by area.

import type { EngineErrors, engine } from "@lockstep/kit";
import { accountProcedures } from "./account.ts";
import { authProcedures } from "./auth.ts";
import { authorizationProcedures } from "./authorization.ts";
import { clientProcedures } from "./client.ts";
import { factorProcedures } from "./factor.ts";
import { grantProcedures } from "./grant.ts";
import { identityProcedures } from "./identity.ts";
import { sessionProcedures } from "./session.ts";
import type { ImplementationOf } from "./trpc.ts";
import { userProcedures } from "./user.ts";

/** The domain functions that the procedures use. */
type Domain = Parameters<typeof authProcedures>[0] &
  Parameters<typeof userProcedures>[0] &
  Parameters<typeof accountProcedures>[0] &
  Parameters<typeof factorProcedures>[0] &
  Parameters<typeof sessionProcedures>[0] &
  Parameters<typeof authorizationProcedures>[0] &
  Parameters<typeof grantProcedures>[0] &
  Parameters<typeof clientProcedures>[0] &
  Parameters<typeof identityProcedures>[0];

/** The procedures of the engine's own operations. */
export const engineProcedures = (domain: Domain): ImplementationOf<EngineErrors, typeof engine> => ({
  auth: authProcedures(domain),
  user: userProcedures(domain),
  account: accountProcedures(domain),
  factor: factorProcedures(domain),
  session: sessionProcedures(domain),
  authorization: authorizationProcedures(domain),
  grant: grantProcedures(domain),
  client: clientProcedures(domain),
  identity: identityProcedures(domain),
});
