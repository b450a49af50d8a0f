// Owns the reader of an event stream over HTTP, with a third-party parser.

import { EventSourceParserStream } from "eventsource-parser/stream";

export interface StreamEvent {
  readonly type: string;
  readonly data: unknown;
}

/** Opens a stream. `next` returns `null` when the server has ended it. */
export const openStream = async (url: string, headers: Record<string, string> = {}) => {
  const abort = new AbortController();
  const response = await fetch(url, { headers: { accept: "text/event-stream", ...headers }, signal: abort.signal });
  const events = read(response);
  return {
    response,
    /** The next event except for pings. */
    async next(): Promise<StreamEvent | null> {
      for (;;) {
        const { value, done } = await events.next();
        if (done) return null;
        if (value.type !== "ping") return value;
      }
    },
    /** Closes the connection, as a closed tab does. */
    leave: () => abort.abort(),
  };
};

const read = async function* ({ body }: Response): AsyncGenerator<StreamEvent, void, undefined> {
  const events = body?.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
  for await (const { event: type = "message", data } of events ?? []) {
    yield { type, data: data === "" ? null : JSON.parse(data) };
  }
};
