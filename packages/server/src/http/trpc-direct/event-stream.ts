// Owns writing the events of a subscription as `text/event-stream`: byte for byte like tRPC's own producer, but
// directly to the connection. The producer chains four web streams for each subscription, which more than doubles what
// a stream takes in memory (`npm run bench -- streams`).

import type { Writable } from "node:stream";
import { type AnyTRPCRouter, getTRPCErrorFromUnknown, type TRPCError } from "@trpc/server";

type Settings = AnyTRPCRouter["_def"]["_config"]["sse"];

/** Whether `writeEvents` supports the router's settings. */
export const writesAll = (settings: Settings): boolean =>
  (settings?.enabled ?? true) && !settings?.emitAndEndImmediately && !settings?.maxDurationMs;

/** The headers of tRPC's streams, without `connection`, which is left to Node. */
export const streamHeaders = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
} as const;

export interface WriteOptions {
  readonly settings: Settings;
  /** The error that the client gets when it ends the stream. */
  readonly shapeOf: (error: TRPCError) => unknown;
}

/** Writes the events until they end, or the client leaves. The caller has written the head of the answer. */
export const writeEvents = async (
  raw: Writable,
  events: AsyncIterable<unknown>,
  { settings, shapeOf }: WriteOptions,
): Promise<void> => {
  const iterator = events[Symbol.asyncIterator]();
  const leave = () => {
    iterator.return?.().catch(() => {});
  };
  raw.once("close", leave);
  const pings = startPings(raw, settings);
  raw.write(`event: connected\ndata: ${JSON.stringify(settings?.client ?? {})}\n\n\n`);
  try {
    for (;;) {
      const { value, done } = await iterator.next();
      if (done || raw.destroyed) break;
      raw.write(`data: ${JSON.stringify(value)}\n\n\n`);
      pings?.refresh();
      await drained(raw);
    }
    if (!raw.destroyed) raw.end("event: return\ndata: \n\n\n");
  } catch (cause) {
    leave();
    if (raw.destroyed) return;
    if (isAbortError(cause)) raw.end();
    else raw.end(`event: serialized-error\ndata: ${JSON.stringify(shapeOf(getTRPCErrorFromUnknown(cause)))}\n\n\n`);
  } finally {
    clearInterval(pings);
    // An error without a shape: a cut connection tells the client that this is not the end.
    if (!raw.writableEnded) raw.destroy();
  }
};

/** Sends a ping whenever nothing was sent for as long as the settings say. */
const startPings = (raw: Writable, settings: Settings): NodeJS.Timeout | undefined => {
  const { enabled = false, intervalMs = 1000 } = settings?.ping ?? {};
  if (!enabled) return undefined;
  return setInterval(() => {
    if (!raw.writableNeedDrain && !raw.destroyed) raw.write("event: ping\ndata: \n\n\n");
  }, intervalMs);
};

/** Waits until a slow client has read what was written, or has left. */
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

const isAbortError = (cause: unknown): boolean =>
  typeof cause === "object" && cause !== null && (cause as { name?: unknown }).name === "AbortError";
