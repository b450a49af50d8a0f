// Owns what the authorization server's storage has to know of the call that it works for, and that the library does
// not hand down: where it comes from, the access token that it shows, and whose session decides.

import { AsyncLocalStorage } from "node:async_hooks";
import type { AdapterPayload } from "oidc-provider";
import type { Source } from "../domain/kernel/audit.ts";

export interface Call {
  readonly source: Source;
  /** A JWT that was sent to be introspected or revoked, verified: as the library would have stored it. */
  readonly presented: AdapterPayload | null;
  /** Told that the code of a device which a person typed is none that waits. */
  readonly wrongCode?: () => void;
  /** Writes down a failure that the caller is told nothing of. */
  readonly report: (error: unknown) => void;
}

const calls = new AsyncLocalStorage<Call>();

export const duringCall = <T>(call: Call, work: () => T): T => calls.run(call, work);

/** To whatever call it belongs, if to any. */
export const report = (error: unknown): void => calls.getStore()?.report(error);

export const currentCall = (): Call => {
  const call = calls.getStore();
  if (!call) throw new Error("The authorization server was used outside of a call");
  return call;
};
