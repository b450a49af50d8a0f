// tRPC's own clients over both adapters: what they understand is the same.

import {
  createTRPCClient,
  httpBatchLink,
  httpBatchStreamLink,
  httpLink,
  httpSubscriptionLink,
  isNonJsonSerializable,
  splitLink,
  TRPCClientError,
  type TRPCLink,
} from "@trpc/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bothAdapters, type EveryRouter, mounts } from "./testing.ts";

const transformer = {
  serialize: (value: unknown) => ({ wrapped: value }),
  deserialize: (value: { wrapped: unknown }) => value.wrapped,
};

const events: string[] = [];
let told = Promise.withResolvers<string>();
const both = bothAdapters({ transformer }, { allowMethodOverride: true }, (what) => told.resolve(what));
let url: string;
beforeAll(async () => {
  url = await both.app.listen({ host: "127.0.0.1", port: 0 });
});
afterAll(() => both.app.close());
