// Owns links whose code is fetched when the first call takes them.

import { type OperationLink, TRPCClientError, type TRPCLink } from "@trpc/client";
import { observable, type Unsubscribable } from "@trpc/server/observable";
import { beforeRetry } from "./before-retry.ts";
import type { EngineRouter } from "./errors.ts";

/** The link that `load` answers; a call waits until it can be loaded, or is given up. For what waits to connect anyway. */
export const onDemand =
  (load: () => Promise<TRPCLink<EngineRouter>>): TRPCLink<EngineRouter> =>
  (runtime) => {
    let loading: Promise<OperationLink<EngineRouter>> | undefined;
    const loaded = async () => {
      loading ??= load().then((link) => link(runtime));
      try {
        return await loading;
      } catch (error) {
        loading = undefined;
        throw error;
      }
    };
    /** `null`: nobody waits any longer. */
    const linkFor = async (signal: AbortSignal) => {
      for (let failures = 0; !signal.aborted; failures++) {
        try {
          return await loaded();
        } catch {
          await beforeRetry(failures, signal);
        }
      }
      return null;
    };
    return (call) =>
      observable((observer) => {
        const ended = new AbortController();
        let taken: Unsubscribable | undefined;
        linkFor(ended.signal)
          .then((link) => {
            if (!ended.signal.aborted) taken = link?.(call).subscribe(observer);
          })
          .catch((error) => observer.error(TRPCClientError.from<EngineRouter>(error)));
        return () => {
          ended.abort();
          taken?.unsubscribe();
        };
      });
  };
