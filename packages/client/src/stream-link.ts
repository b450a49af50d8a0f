// Owns subscriptions: tRPC's own link over a stream that sends the access token in a header, and that reconnects with the
// token of that moment.

import type { EngineContract, PathIn, RpcErrorShape } from "@lockstep/kit";
import { httpSubscriptionLink, type Operation, type TRPCLink } from "@trpc/client";
import type { EngineRouter } from "./errors.ts";
import { FetchEventSource, type FetchEventSourceInit, mayPass, Refused, RefusedForNow } from "./event-source.ts";
import type { Session } from "./session.ts";
import type { createSessionLink } from "./session-link.ts";

export interface StreamLinkOptions {
  readonly url: URL;
  readonly fetch: typeof globalThis.fetch;
  readonly session: Session;
  readonly calls: Pick<ReturnType<typeof createSessionLink>, "headers" | "remediesOf">;
}

/** Subscriptions without an end of their own. When the server ends one, it is about to stop, so the client reconnects. */
const endless: ReadonlySet<string> = new Set(["session.events"] satisfies PathIn<EngineContract>[]);

export const streamLink = ({ url, fetch, session, calls }: StreamLinkOptions): TRPCLink<EngineRouter> => {
  const init = (op: Operation): FetchEventSourceInit => {
    const remedies = calls.remediesOf(op);
    const connect = async (address: string, signal: AbortSignal, lastEventId: string): Promise<Response> => {
      await session.ready();
      remedies.sending();
      const target = new URL(address);
      // Not as the header `Last-Event-ID`, which `fetch` refuses with characters beyond Latin-1.
      if (lastEventId) target.searchParams.set("lastEventId", lastEventId);
      const response = await fetch(target, {
        headers: {
          accept: "text/event-stream",
          ...(await calls.headers([op])),
        },
        cache: "no-store",
        signal,
      });
      if (response.ok && response.headers.get("content-type")?.startsWith("text/event-stream")) return response;
      const { error } = (await response.json()) as { error?: RpcErrorShape };
      if (error?.data && (await remedies.remedy(error.data))) return connect(address, signal, lastEventId);
      if (error?.data) throw mayPass(error) ? new RefusedForNow(error) : new Refused(error);
      throw new Error("The server did not answer with an event stream");
    };
    return {
      endless: endless.has(op.path),
      connect,
      // tRPC sends refusals as an event of the stream, after it has opened the stream.
      recover: ({ data }) => remedies.remedy(data),
      received: remedies.accepted,
    };
  };

  return httpSubscriptionLink({
    url: url.href,
    EventSource: FetchEventSource,
    eventSourceOptions: ({ op }) => init(op),
  });
};
