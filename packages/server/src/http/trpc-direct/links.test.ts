// tRPC's own clients over both adapters.

import { EventEmitter, once } from "node:events";
import {
  createTRPCClient,
  httpBatchLink,
  httpBatchStreamLink,
  httpLink,
  httpSubscriptionLink,
  type TRPCClient,
} from "@trpc/client";
import { EventSource } from "eventsource";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bothAdapters, type EveryRouter, type Mount } from "./testing.ts";

const said = new EventEmitter();
const { app } = bothAdapters({}, {}, (what) => said.emit(what));
let url: string;
beforeAll(async () => {
  url = await app.listen({ host: "127.0.0.1", port: 0 });
});
afterAll(() => app.close());

const links = { httpLink, httpBatchLink, httpBatchStreamLink };

const clientOf = (mount: Mount, link: keyof typeof links) =>
  createTRPCClient<EveryRouter>({ links: [links[link]({ url: `${url}/${mount}` })] });

/** The results of calls that are made one after the other, and then all in one batch. */
const conversation = async (client: TRPCClient<EveryRouter>) => {
  const calls = [
    () => client.echo.query({ a: [1, "ü€😀", null] }),
    () => client.echo.query(undefined),
    () => client.nothing.query(),
    () => client.add.mutate({ a: 1, b: 2 }),
    () => client.add.mutate({ a: "1", b: 2 } as never),
    () => client.cut.query(),
    () => client.neverReads.query("x"),
    () => client.throws.code.query("TOO_MANY_REQUESTS"),
    () => client.throws.bug.mutate(),
    () => client.throws.own.query(),
    () => client.late.echo.query("late"),
    () => client.form.mutate(new FormData()),
  ];
  const settled: unknown[] = [];
  for (const call of calls) settled.push(...(await Promise.allSettled([call()])));
  settled.push(...(await Promise.allSettled(calls.map((call) => call()))));
  return settled.map(plain);
};

const plain = (result: unknown) => {
  const { status, value, reason } = result as PromiseSettledResult<unknown> & { value?: unknown; reason?: Error };
  if (status === "fulfilled") return { value };
  const { message, shape, data } = reason as Error & { shape?: unknown; data?: unknown };
  return { message, shape, data };
};

describe.each(Object.keys(links) as (keyof typeof links)[])("%s", (link) => {
  it("gets the same answers from both adapters", async () => {
    const direct = await conversation(clientOf("direct", link));
    expect(direct).toEqual(await conversation(clientOf("official", link)));
    expect(direct[0]).toEqual({ value: { a: [1, "ü€😀", null] } });
    expect(direct[3]).toEqual({ value: 3 });
    expect(direct[7]).toMatchObject({ message: "failed with TOO_MANY_REQUESTS", data: { httpStatus: 429 } });
  });
});

describe("httpSubscriptionLink", () => {
  const eventsOf = (mount: Mount, path: "ticks" | "failing") =>
    new Promise<unknown[]>((resolve) => {
      const events: unknown[] = [];
      const client = createTRPCClient<EveryRouter>({
        links: [httpSubscriptionLink({ url: `${url}/${mount}`, EventSource })],
      });
      const listener = {
        onData: (data: unknown) => void events.push(data),
        onError({ message, data }: { message: string; data?: unknown }) {
          events.push({ message, data });
          subscription.unsubscribe();
          resolve(events);
        },
        onComplete: () => resolve(events),
      };
      const subscription =
        path === "ticks" ? client.ticks.subscribe({ a: 1 }, listener) : client.failing.subscribe(undefined, listener);
    });

  it("receives the same events from both adapters", async () => {
    const direct = await eventsOf("direct", "ticks");
    expect(direct).toEqual(await eventsOf("official", "ticks"));
    expect(direct).toEqual([{ input: { a: 1 } }, 2]);
  });

  it("receives the same error from both adapters", async () => {
    const direct = await eventsOf("direct", "failing");
    expect(direct).toEqual(await eventsOf("official", "failing"));
    expect(direct.at(-1)).toMatchObject({ data: { code: "CONFLICT" } });
  });
});

describe.each<Mount>(["official", "direct"])("a call over the %s adapter", (mount) => {
  it("is aborted when its client disconnects", async () => {
    const leaving = new AbortController();
    const waiting = once(said, "waiting");
    const aborted = once(said, "aborted");
    const call = clientOf(mount, "httpLink").waits.mutate(undefined, { signal: leaving.signal });
    await Promise.race([waiting, call]);
    leaving.abort();
    await expect(call).rejects.toThrow();
    await aborted;
  });
});
