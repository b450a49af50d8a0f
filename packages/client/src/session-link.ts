// Owns the session's part in each call: keeps the tokens that a sign-in answers with, and forgets them
// when the session was ended, by us or by the server.

import type { AppRouter, LoginResult, RpcErrorData } from "@lockstep/contract";
import type { TRPCLink } from "@trpc/client";
import { observable } from "@trpc/server/observable";
import type { TokenStore } from "./tokens.ts";

export const sessionLink =
  (tokens: TokenStore): TRPCLink<AppRouter> =>
  () =>
  ({ op, next }) =>
    observable((observer) => {
      const heldAtStart = tokens.get();
      return next(op).subscribe({
        next(envelope) {
          if (op.path === "auth.login" && "data" in envelope.result) {
            keep(tokens, envelope.result.data as LoginResult);
          }
          if (op.path === "auth.logout") tokens.set(null);
          observer.next(envelope);
        },
        error(error) {
          const code = (error.data as RpcErrorData | undefined)?.code;
          // An answer to an older token says nothing of the one that took its place meanwhile.
          if (code === "INVALID_TOKEN" && tokens.get() === heldAtStart) tokens.set(null);
          observer.error(error);
        },
        complete: () => observer.complete(),
      });
    });

const keep = (tokens: TokenStore, result: LoginResult) => {
  if (result.status !== "signed_in") return;
  tokens.set({ accessToken: result.accessToken, expiresAt: Date.now() + result.expiresIn * 1000 });
};
