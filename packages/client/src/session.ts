// Owns the session's part in each call: sends the access token, keeps what a sign-in answers with, and
// forgets it when the session has ended. Where tokens are kept: `tokens.ts`.

import type { AppRouter, contract, LoginResult, PathOf, RpcErrorData } from "@lockstep/contract";
import type { Operation, TRPCLink } from "@trpc/client";
import { observable } from "@trpc/server/observable";
import type { TokenStore } from "./tokens.ts";

const paths = { login: "auth.login", logout: "auth.logout" } as const satisfies Record<string, PathOf<typeof contract>>;

/** The headers of a request, and the link that reads its answers: two ends of one session. */
export const createSession = (tokens: TokenStore) => {
  // The access token that each call left with. A batch leaves later than its calls are made, so only
  // `headers` knows; and stores may answer with a new object each time, so it is the text that counts.
  const sentWith = new WeakMap<Operation["context"], string>();

  const headers = ({ opList }: { opList: readonly Operation[] }): Record<string, string> => {
    const accessToken = tokens.get()?.accessToken;
    if (accessToken === undefined) return {};
    for (const { context } of opList) sentWith.set(context, accessToken);
    return { authorization: `Bearer ${accessToken}` };
  };

  const link: TRPCLink<AppRouter> =
    () =>
    ({ op, next }) =>
      observable((observer) => {
        // The caller may pass one context to many calls: this call's own.
        const context = { ...op.context };
        const forget = () => {
          const sent = sentWith.get(context);
          // An answer to an older token says nothing of the one that took its place meanwhile.
          if (sent !== undefined && tokens.get()?.accessToken === sent) tokens.set(null);
        };
        return next({ ...op, context }).subscribe({
          next(envelope) {
            if (op.path === paths.login && "data" in envelope.result) {
              keep(tokens, envelope.result.data as LoginResult);
            }
            if (op.path === paths.logout) forget();
            observer.next(envelope);
          },
          error(error) {
            if ((error.data as Partial<RpcErrorData> | undefined)?.code === "INVALID_TOKEN") forget();
            observer.error(error);
          },
          complete: () => observer.complete(),
        });
      });

  return { headers, link };
};

const keep = (tokens: TokenStore, result: LoginResult) => {
  if (result.status !== "signed_in") return;
  tokens.set({ accessToken: result.accessToken, expiresAt: Date.now() + result.expiresIn * 1000 });
};
