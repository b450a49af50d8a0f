import { EventEmitter, once } from "node:events";
import { Writable } from "node:stream";
import { setImmediate as oneTurn } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { writeEvents } from "./event-stream.ts";
import { bothAdapters } from "./testing.ts";

/** A connection to a client that reads one write for each `read`. */
const openConnection = () => {
  const written: string[] = [];
  const reads: (() => void)[] = [];
  const connection = new Writable({
    highWaterMark: 1,
    write(chunk, _encoding, done) {
      written.push(String(chunk));
      reads.push(done);
    },
  });
  return { connection, written, read: () => reads.shift()?.() };
};

const options = { settings: undefined, shapeOf: (): unknown => "an error" };

describe("an event stream", () => {
  it("reads the next event after the client has read the previous one", async () => {
    const { connection, written, read } = openConnection();
    const taken: number[] = [];
    const events = (async function* () {
      for (const event of [1, 2, 3]) {
        taken.push(event);
        yield event;
      }
    })();
    const ended = writeEvents(connection, events, options);
    read();
    for (const count of [1, 2, 3]) {
      await oneTurn();
      expect(taken).toHaveLength(count);
      read();
    }
    await oneTurn();
    read();
    await ended;
    expect(written.join("")).toBe(
      "event: connected\ndata: {}\n\n\ndata: 1\n\n\ndata: 2\n\n\ndata: 3\n\n\nevent: return\ndata: \n\n\n",
    );
  });

  it("closes its source when the client disconnects, and reports no error of it", async () => {
    const { connection } = openConnection();
    const failing = Promise.withResolvers<IteratorResult<unknown>>();
    const returned = vi.fn(async () => ({ done: true, value: undefined }) as const);
    const source = { next: () => failing.promise, return: returned };
    const shapeOf = vi.fn();
    const ended = writeEvents(connection, { [Symbol.asyncIterator]: () => source }, { ...options, shapeOf });
    connection.destroy();
    await once(connection, "close");
    expect(returned).toHaveBeenCalled();
    failing.reject(new Error("The client is gone"));
    await ended;
    expect(shapeOf).not.toHaveBeenCalled();
  });

  it("writes nothing to a client that disconnected while it waited for the next event", async () => {
    const { connection } = openConnection();
    const write = vi.spyOn(connection, "write");
    const event = Promise.withResolvers<number>();
    const events = (async function* () {
      yield await event.promise;
    })();
    const ended = writeEvents(connection, events, options);
    connection.destroy();
    event.resolve(1);
    await ended;
    expect(write).toHaveBeenCalledTimes(1);
  });
});

it("closes the connection when an error cannot be serialized", async () => {
  const { connection, read } = openConnection();
  const events = (async function* () {
    yield* [];
    throw new Error("a bug");
  })();
  const ended = writeEvents(connection, events, { ...options, shapeOf: () => 1n });
  read();
  await expect(ended).rejects.toThrow(TypeError);
  expect(connection.destroyed).toBe(true);
  expect(connection.writableFinished).toBe(false);
});

describe.each(["official", "direct"] as const)("a stream over the %s adapter", (mount) => {
  it("pings a client while there are no events, and closes its source when the client disconnects", async () => {
    const said = new EventEmitter();
    const ping = { enabled: true, intervalMs: 5 };
    const { app } = bothAdapters({ sse: { ping } }, {}, (what) => said.emit(what));
    const url = await app.listen({ host: "127.0.0.1", port: 0 });
    const leaving = new AbortController();
    const left = once(said, "left");
    const response = await fetch(`${url}/${mount}/silent`, { signal: leaving.signal });
    let heard = "";
    for await (const chunk of response.body ?? []) {
      heard += Buffer.from(chunk as Uint8Array).toString();
      if (heard.split("event: ping").length > 2) break;
    }
    leaving.abort();
    await left;
    await app.close();
    expect(heard).toContain("data: 1\n");
  });
});
