// Owns links whose code is loaded with their first call.

import { type OperationLink, TRPCClientError, type TRPCLink } from "@trpc/client";
import { observable, type Unsubscribable } from "@trpc/server/observable";
import { beforeRetry } from "./before-retry.ts";
import type { EngineRouter } from "./errors.ts";

/**
 * The link that `load` imports. A call waits until it is loaded or its caller unsubscribes. For calls that retry
 * anyway.
 */
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
    /** `null`: the caller has unsubscribed. */
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
