// Owns subscriptions: a link over a stream that sends the access token in a header, and that reconnects with the token of
// that moment. tRPC's own link needs an `EventSource` and `ReadableStream`; and since bundlers do not divide a module, a
// page that may load it later would load it at once.

import type { EngineContract, PathIn, RpcErrorShape } from "@lockstep/kit";
import { type Operation, TRPCClientError, type TRPCLink } from "@trpc/client";
import { observable } from "@trpc/server/observable";
import type { TRPCErrorResponse } from "@trpc/server/rpc";
import type { EngineRouter, StreamingUnsupported } from "./errors.ts";
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

const unsupported = {
  message:
    "This platform's fetch cannot read a response while it arrives. In React Native, pass createClient the fetch of expo/fetch.",
  code: -32603,
  data: { code: "STREAMING_UNSUPPORTED", details: {} } satisfies StreamingUnsupported,
} as unknown as RpcErrorShape; // as a refusal, which `errorOf` reads

/** As the error of a call that was not sent as another user than the one who made it. */
const anotherUser = { message: "Another user has signed in", code: -32603 } as RpcErrorShape; // no `data`: no answer of the server

export const streamLink = ({ url, fetch, session, calls }: StreamLinkOptions): TRPCLink<EngineRouter> => {
  /**
   * React Native's own `fetch` answers when a response is complete, which a stream never is. Where responses may have no
   * `body`, looks at an ordinary one first, since the app may have replaced `fetch` alone.
   */
  const assertStreaming = async (signal: AbortSignal): Promise<void> => {
    if (!("body" in Response.prototype) && !(await fetch(url, { signal })).body) throw new Refused(unsupported);
  };

  const init = (op: Operation): FetchEventSourceInit => {
    const remedies = calls.remediesOf(op);
    let subscriber = session.userId();
    const connect = async (address: string, signal: AbortSignal, lastEventId: string): Promise<Response> => {
      await session.ready();
      const userId = session.userId();
      subscriber ??= userId;
      if (userId !== undefined && userId !== subscriber) throw new Refused(anotherUser);
      await assertStreaming(signal);
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
      if (response.ok && response.headers.get("content-type")?.startsWith("text/event-stream")) {
        if (!response.body) throw new Refused(unsupported);
        return response;
      }
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

  return () =>
    ({ op }) =>
      observable((observer) => {
        const source = new FetchEventSource(addressOf(url, op), init(op));
        const connection = (state: "connecting" | "pending" | "idle") =>
          observer.next({ result: { type: "state", state, error: null } });
        const fail = (error: RpcErrorShape) => {
          source.close();
          observer.error(TRPCClientError.from<EngineRouter>({ error } as unknown as TRPCErrorResponse)); // what the server sent
        };
        const end = () => {
          source.close();
          observer.next({ result: { type: "stopped" } });
          connection("idle");
          observer.complete();
        };
        source.addEventListener("connected", () => {
          observer.next({ result: { type: "started" } });
          connection("pending");
        });
        source.addEventListener("message", ({ data = "", lastEventId: id }) => {
          const event: unknown = JSON.parse(data);
          // An event that was sent with `tracked`.
          observer.next({ result: id ? { id, data: { id, data: event } } : { data: event } });
        });
        source.addEventListener("serialized-error", ({ data = "" }) => fail(JSON.parse(data)));
        source.addEventListener("return", end);
        source.addEventListener("error", ({ error }) => (error ? fail(error) : connection("connecting")));
        connection("connecting");
        op.signal?.addEventListener("abort", end);
        return () => {
          op.signal?.removeEventListener("abort", end);
          source.close();
        };
      });
};

/** The URL of a subscription, as tRPC's links make it. */
const addressOf = (server: URL, { path, input }: Operation): string => {
  const url = new URL(`${server}/${path}`);
  if (input !== undefined) url.searchParams.set("input", JSON.stringify(input));
  return url.href;
};
