// Owns what a procedure knows of the call it answers.

import type { Credential } from "../domain/bearer.ts";
import type { Guard, Principal } from "../domain/guard.ts";

export interface Context {
  /** Names this call in the log and in error answers. */
  readonly requestId: string;
  /** Who calls, looked up once however many calls a batch has. Rejects with a `DomainError`. */
  readonly authenticate: () => Promise<Principal>;
  readonly guard: Guard;
}

/** The context of one request; also what `createCaller` takes. */
export const createContext = (guard: Guard, call: { requestId: string; credential: Credential }): Context => {
  let principal: Promise<Principal> | undefined;
  return {
    requestId: call.requestId,
    guard,
    authenticate: () => {
      principal ??= guard.authenticate(call.credential);
      return principal;
    },
  };
};
