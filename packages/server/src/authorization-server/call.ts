// Owns the context of a call that the library does not pass on to its storage: its source, the access token that it
// presents, and callbacks for failures.

import { AsyncLocalStorage } from "node:async_hooks";
import type { AdapterPayload } from "oidc-provider";
import type { Source } from "../domain/kernel/audit.ts";

export interface Call {
  readonly source: Source;
  /** A verified JWT that is introspected or revoked, in the form that the library would have stored. */
  readonly presented: AdapterPayload | null;
  /** Called when the user code that a person entered is not pending. */
  readonly wrongCode?: () => void;
  /** Logs a failure that is not reported to the caller. */
  readonly report: (error: unknown) => void;
}

const calls = new AsyncLocalStorage<Call>();

export const duringCall = <T>(call: Call, work: () => T): T => calls.run(call, work);

/** Reports to the current call, if there is one. */
export const report = (error: unknown): void => calls.getStore()?.report(error);

export const currentCall = (): Call => {
  const call = calls.getStore();
  if (!call) throw new Error("The authorization server was used outside of a call");
  return call;
};
