// Owns links whose code is fetched when the first call takes them.

import type { AppRouter } from "@lockstep/contract";
import { type OperationLink, TRPCClientError, type TRPCLink } from "@trpc/client";
import { observable, type Unsubscribable } from "@trpc/server/observable";

/** The link that `load` answers. A call fails when it cannot be loaded; the next one tries again. */
export const onDemand =
  (load: () => Promise<TRPCLink<AppRouter>>): TRPCLink<AppRouter> =>
  (runtime) => {
    let loading: Promise<OperationLink<AppRouter>> | undefined;
    const loaded = () => {
      loading ??= load().then(
        (link) => link(runtime),
        (error) => {
          loading = undefined;
          throw error;
        },
      );
      return loading;
    };
    return (call) =>
      observable((observer) => {
        let ended = false;
        let taken: Unsubscribable | undefined;
        loaded().then(
          (link) => {
            if (!ended) taken = link(call).subscribe(observer);
          },
          (error) => observer.error(TRPCClientError.from<AppRouter>(error)),
        );
        return () => {
          ended = true;
          taken?.unsubscribe();
        };
      });
  };
