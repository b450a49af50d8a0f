// Owns how the events of a subscription are written: `text/event-stream`, byte for byte as tRPC's own producer writes
// them, but straight to the connection. The producer chains four web streams for each subscription, which more than
// doubles what a stream takes in memory (`pnpm bench streams`).

import type { Writable } from "node:stream";
import { type AnyTRPCRouter, getTRPCErrorFromUnknown, isTrackedEnvelope, type TRPCError } from "@trpc/server";

type Settings = AnyTRPCRouter["_def"]["_config"]["sse"];

/** Whether `writeEvents` does all that the router's settings ask for. */
export const writesAll = (settings: Settings): boolean =>
  (settings?.enabled ?? true) && !settings?.emitAndEndImmediately && !settings?.maxDurationMs;

/** What tRPC sends with a stream. Which connections are kept is Node's to say. */
export const streamHeaders = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
} as const;

export interface WriteOptions {
  readonly settings: Settings;
  readonly serialize: (value: unknown) => unknown;
  /** What the client is told of an error that ends the stream. */
  readonly shapeOf: (error: TRPCError) => unknown;
}

/** Writes the events until they end, or the client goes away. The head of the answer is the caller's. */
export const writeEvents = async (
  raw: Writable,
  events: AsyncIterable<unknown>,
  { settings, serialize, shapeOf }: WriteOptions,
): Promise<void> => {
  const iterator = events[Symbol.asyncIterator]();
  const leave = () => {
    iterator.return?.().catch(() => {});
  };
  raw.once("close", leave);
  const pings = startPings(raw, settings);
  const data = (value: unknown) => `data: ${JSON.stringify(serialize(value))}\n`;
  let lastId: string | null = null;
  raw.write(`event: connected\ndata: ${JSON.stringify(settings?.client ?? {})}\n\n\n`);
  try {
    for (;;) {
      const { value, done } = await iterator.next();
      if (done || raw.destroyed) break;
      if (isTrackedEnvelope(value)) {
        lastId = value[0];
        raw.write(`${data(value[1])}id: ${lastId}\n\n\n`);
      } else if (lastId === null) raw.write(`${data(value)}\n\n`);
      // A client takes an event without an ID for one with the last ID.
      else raw.write(`${data(value)}id: \n\n\nevent: restore-id\ndata: \nid: ${lastId}\n\n\n`);
      pings?.refresh();
      await drained(raw);
    }
    if (!raw.destroyed) raw.end("event: return\ndata: \n\n\n");
  } catch (cause) {
    leave();
    if (raw.destroyed) return;
    if (isAbortError(cause)) raw.end();
    else endWithError(raw, () => data(shapeOf(getTRPCErrorFromUnknown(cause)) ?? null));
  } finally {
    clearInterval(pings);
  }
};

/** Sends a ping whenever nothing was sent for as long as the settings say. */
const startPings = (raw: Writable, settings: Settings): NodeJS.Timeout | undefined => {
  const { enabled = false, intervalMs = 1000 } = settings?.ping ?? {};
  if (!enabled || intervalMs === Number.POSITIVE_INFINITY || intervalMs <= 0) return undefined;
  return setInterval(() => {
    if (!raw.writableNeedDrain && !raw.destroyed) raw.write("event: ping\ndata: \n\n\n");
  }, intervalMs);
};

/** Waits until a slow client has read what was written, or is gone. */
const drained = (raw: Writable): Promise<void> | undefined =>
  raw.writableNeedDrain && !raw.destroyed
    ? new Promise((resolve) => {
        const settle = () => {
          raw.off("drain", settle);
          raw.off("close", settle);
          resolve();
        };
        raw.on("drain", settle);
        raw.on("close", settle);
      })
    : undefined;

const endWithError = (raw: Writable, data: () => string) => {
  let text: string;
  try {
    text = data();
  } catch {
    // Without words for the error, a cut connection is what says that this is not the end.
    raw.destroy();
    return;
  }
  raw.end(`event: serialized-error\n${text}\n\n`);
};

const isAbortError = (cause: unknown): boolean =>
  typeof cause === "object" && cause !== null && (cause as { name?: unknown }).name === "AbortError";
