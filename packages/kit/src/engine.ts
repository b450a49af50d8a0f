// Owns the list of the engine's operations, which every contract includes. Each area is declared in `operations/`.

import { defineContract } from "./contract.ts";
import { account } from "./operations/account.ts";
import { auth } from "./operations/auth.ts";
import { authorization } from "./operations/authorization.ts";
import { client } from "./operations/client.ts";
import { factor } from "./operations/factor.ts";
import { grant } from "./operations/grant.ts";
import { identity } from "./operations/identity.ts";
import { session } from "./operations/session.ts";
import { user } from "./operations/user.ts";
import { words } from "./operations/words.ts";

/** The engine's operations, which every contract has. */
export const engine = { auth, user, account, factor, session, authorization, grant, client, identity };

/** The areas of the engine's operations, with their descriptions. */
export const engineAreas = {
  auth: "Signing in and out",
  user: "The signed-in user",
  account: "Signing up, recovery, the address of an account, its export and deletion",
  factor: "The signed-in user's second factors and passkeys",
  session: "The signed-in user's sessions",
  authorization: "Authorization requests of clients",
  grant: "What the signed-in user granted to clients",
  client: "The clients that the signed-in user has registered",
  identity: "The signed-in user's identities",
} as const satisfies Record<keyof typeof engine, string>;

/**
 * The contract of an app that adds nothing, for code that works with any app.
 * @internal
 */
export const engineContract = defineContract(words, () => engine);
type DeclaredContract = typeof engineContract;
/**
 * The type of `engineContract`. An interface, so that compilers name it where they would write out a type alias.
 * @internal
 */
export interface EngineContract extends DeclaredContract {}
