// tRPC's own clients over both adapters, with all that they know to ask for.

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

const wrapping = {
  serialize: (value: unknown) => ({ wrapped: value }),
  deserialize: (value: { wrapped: unknown }) => value.wrapped,
};
/** The router's type does not say that it has one: its settings come in at run time. */
const transformer = wrapping as never;

const said = new EventEmitter();
const { app } = bothAdapters({ transformer: wrapping }, { allowMethodOverride: true }, (what) => said.emit(what));
let url: string;
beforeAll(async () => {
  url = await app.listen({ host: "127.0.0.1", port: 0 });
});
afterAll(() => app.close());

const links = {
  httpLink,
  "httpLink by POST": (options: LinkOptions) => httpLink({ ...options, methodOverride: "POST" }),
  httpBatchLink,
  "httpBatchLink by POST": (options: LinkOptions) => httpBatchLink({ ...options, methodOverride: "POST" }),
  httpBatchStreamLink,
};
interface LinkOptions {
  url: string;
  transformer: never;
}

const clientOf = (mount: Mount, link: keyof typeof links) =>
  createTRPCClient<EveryRouter>({ links: [links[link]({ url: `${url}/${mount}`, transformer })] });

/** One after the other, then all in one batch: what each came to. */
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
  it("understands the same from both adapters", async () => {
    const direct = await conversation(clientOf("direct", link));
    expect(direct).toEqual(await conversation(clientOf("official", link)));
    expect(direct[0]).toEqual({ value: { a: [1, "ü€😀", null] } });
    expect(direct[3]).toEqual({ value: 3 });
    expect(direct[7]).toMatchObject({ message: "told TOO_MANY_REQUESTS", data: { httpStatus: 429 } });
  });
});

describe("httpSubscriptionLink", () => {
  const eventsOf = (mount: Mount, path: "ticks" | "failing") =>
    new Promise<unknown[]>((resolve) => {
      const events: unknown[] = [];
      const client = createTRPCClient<EveryRouter>({
        links: [httpSubscriptionLink({ url: `${url}/${mount}`, transformer, EventSource })],
      });
      const told = {
        onData: (data: unknown) => void events.push(data),
        onError({ message, data }: { message: string; data?: unknown }) {
          events.push({ message, data });
          subscription.unsubscribe();
          resolve(events);
        },
        onComplete: () => resolve(events),
      };
      const subscription =
        path === "ticks" ? client.ticks.subscribe({ a: 1 }, told) : client.failing.subscribe(undefined, told);
    });

  it("hears the same events from both adapters", async () => {
    const direct = await eventsOf("direct", "ticks");
    expect(direct).toEqual(await eventsOf("official", "ticks"));
    expect(direct).toEqual([{ input: { a: 1 } }, 2]);
  });

  it("hears the same failure from both adapters", async () => {
    const direct = await eventsOf("direct", "failing");
    expect(direct).toEqual(await eventsOf("official", "failing"));
    expect(direct.at(-1)).toMatchObject({ data: { code: "CONFLICT" } });
  });
});

describe.each<Mount>(["official", "direct"])("a call over the %s adapter", (mount) => {
  it("is told when its client is gone", async () => {
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
