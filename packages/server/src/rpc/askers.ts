// Owns by what a procedure recognises who asks for a proof, and who sends its code: a browser by its cookie, any other
// client by the ID of the proof, which it keeps secret.

import type { Asker } from "../domain/accounts/proof-requests.ts";
import { type Proofs, proofLifetimeSeconds } from "../domain/accounts/proofs.ts";
import type { Context } from "./context.ts";
import { assertTransport, type Transport } from "./signed-in.ts";

/**
 * Who asks for a proof. Gives a browser its cookie, or the one that it has, so that proofs in two tabs do not interfere.
 * @throws DomainError as `assertTransport`
 */
export const askerFor = (proofs: Pick<Proofs, "newBrowserSecret">, transport: Transport, ctx: Context): Asker => {
  const { cookies, source } = ctx;
  assertTransport(transport, ctx);
  if (transport === "body") return { browser: null, source };
  const browser = cookies.proofSecret ?? proofs.newBrowserSecret();
  cookies.setProofSecret(browser, proofLifetimeSeconds);
  return { browser, source };
};

/** Who sends the code of a proof. */
export const askerOf = ({ cookies, source }: Context): Asker => ({ browser: cookies.proofSecret, source });
