// Owns event streams over `fetch`, with listeners like the platform's `EventSource`. The platform's cannot send
// headers, so a token would have to be in the URL, which logs and histories record. Reconnects whenever the connection
// ends, until it is closed or refused. `eventsource-parser` reads the format.
// @see https://html.spec.whatwg.org/multipage/server-sent-events.html

import type { RpcErrorShape } from "@lockstep/kit";
import { createParser, type EventSourceMessage } from "eventsource-parser";
import { beforeRetry } from "./before-retry.ts";

export interface FetchEventSourceInit {
  /**
   * Opens one connection. Rejects with `Refused` when a retry would fail too.
   * @param lastEventId the ID of the last event, for the server to continue from
   */
  readonly connect: (url: string, signal: AbortSignal, lastEventId: string) => Promise<Response>;
  /** Handles an error event. `true`: the cause is gone, so reconnect at once and dispatch nothing. */
  readonly recover?: (error: RpcErrorShape) => Promise<boolean>;
  /** Called with each message or ping: the server has accepted the stream. */
  readonly received?: () => void;
  /** Whether to reconnect when the server ends the stream, as after a broken connection. */
  readonly endless?: boolean;
}

/** The server refused the connection, and a retry would be refused, too. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly shape: RpcErrorShape;

  constructor(shape: RpcErrorShape) {
    super(shape.message);
    this.shape = shape;
  }
}

/** The server refused the connection, but a later one may succeed. */
export class RefusedForNow extends Error {
  override readonly name = "RefusedForNow";
  readonly shape: RpcErrorShape;

  constructor(shape: RpcErrorShape) {
    super(shape.message);
    this.shape = shape;
  }
}

/** Whether the same request may succeed later, because the server failed or a limit was reached. */
export const mayPass = ({ data: { httpStatus } }: RpcErrorShape): boolean => httpStatus >= 500 || httpStatus === 429;

/** A longer timer than 2^31 ms would run at once. */
const longestWaitSeconds = 24 * 60 * 60;

/** How long the server asks to wait. An app's own errors may have `retryAfterSeconds` too, of any type. */
const retryAfterSecondsOf = ({ data }: RpcErrorShape): number => {
  const { retryAfterSeconds } = data.details as { readonly retryAfterSeconds?: unknown };
  const isWait = typeof retryAfterSeconds === "number" && retryAfterSeconds > 0;
  return isWait ? Math.min(retryAfterSeconds, longestWaitSeconds) : 0;
};

/** An event as listeners get it. */
export interface StreamEvent {
  readonly type: string;
  readonly data?: string;
  readonly lastEventId?: string;
  /** Why the stream was refused. */
  readonly error?: RpcErrorShape;
}

type Listener = (event: StreamEvent) => void;

/** One stream, from its first connection until it is closed or refused. */
export class FetchEventSource {
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #closed = new AbortController();

  constructor(url: string, init: FetchEventSourceInit) {
    void this.#run(url, init);
  }

  addEventListener(type: string, listener: Listener): void {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners.add(listener));
  }

  close(): void {
    this.#closed.abort();
  }

  #dispatch(event: StreamEvent): void {
    for (const listener of [...(this.#listeners.get(event.type) ?? [])]) listener(event);
  }

  async #run(url: string, { connect, recover, received, endless = false }: FetchEventSourceInit): Promise<void> {
    const { signal } = this.#closed;
    let lastEventId = "";
    let failures = 0;
    while (!signal.aborted) {
      const connection = new AbortController();
      let recovered = false;
      let waitSeconds = 0;
      const stop = () => connection.abort();
      signal.addEventListener("abort", stop);
      try {
        const response = await connect(url, connection.signal, lastEventId);
        for await (const event of eventsOf(response)) {
          if (signal.aborted) return;
          // Other events come on every connection, also on one that is refused at once.
          if (event.type === "message" || event.type === "ping") {
            failures = 0;
            received?.();
          }
          lastEventId = event.lastEventId ?? lastEventId;
          if (endless && event.type === "return") break;
          if (event.type === "serialized-error" && recover) {
            const shape = JSON.parse(event.data ?? "") as RpcErrorShape;
            recovered = await recover(shape);
            if (signal.aborted) return;
            if (recovered) break;
            if (mayPass(shape)) {
              waitSeconds = retryAfterSecondsOf(shape);
              break;
            }
          }
          this.#dispatch(event);
        }
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof Refused) {
          this.close();
          return this.#dispatch({ type: "error", error: error.shape });
        }
        if (error instanceof RefusedForNow) waitSeconds = retryAfterSecondsOf(error.shape);
      } finally {
        signal.removeEventListener("abort", stop);
        connection.abort();
      }
      if (signal.aborted) return;
      if (recovered) continue;
      this.#dispatch({ type: "error" });
      await beforeRetry(failures++, signal, waitSeconds);
    }
  }
}

/** The events of a response's body, as they arrive. An event that the stream ends in the middle of is dropped. */
export async function* eventsOf({ body }: Response): AsyncGenerator<StreamEvent, void, undefined> {
  if (!body) return;
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const parsed: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => parsed.push(event) });
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
      for (const { event: type = "message", id, data } of parsed.splice(0)) {
        yield { type, data, ...(id !== undefined && { lastEventId: id }) };
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
