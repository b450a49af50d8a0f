import type { EngineContract, RouterOf } from "@lockstep/kit";
import type { OperationLink, TRPCLink } from "@trpc/client";
import { observable } from "@trpc/server/observable";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { onDemand } from "../src/on-demand.ts";

type EngineRouter = RouterOf<EngineContract>;
type Call = Parameters<OperationLink<EngineRouter>>[0];
/** The links here do not look at their call. */
const call = {} as Call;

/** A link that answers each call with its number, then completes. */
const counting = () => {
  let calls = 0;
  const link: TRPCLink<EngineRouter> = () => () =>
    observable((observer) => {
      observer.next({ result: { type: "data", data: ++calls } });
      observer.complete();
    });
  return { link, calls: () => calls };
};

const settled = (link: OperationLink<EngineRouter>) =>
  new Promise((resolve) => {
    link(call).subscribe({
      next: ({ result }) => resolve("data" in result && result.data),
      error: (error) => resolve(error.message),
    });
  });

it("loads a link once, with its first call", async () => {
  const { link } = counting();
  const load = vi.fn(async () => link);
  const loaded = onDemand(load)({});
  expect(load).not.toHaveBeenCalled();
  expect(await Promise.all([settled(loaded), settled(loaded)])).toEqual([1, 2]);
  expect(await settled(loaded)).toBe(3);
  expect(load).toHaveBeenCalledTimes(1);
});

describe("a link that cannot be loaded", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("is retried with growing waits until it loads", async () => {
    const { link } = counting();
    const offline = new TypeError("offline");
    const load = vi
      .fn(async () => link)
      .mockRejectedValueOnce(offline)
      .mockRejectedValueOnce(offline);
    const answer = settled(onDemand(load)({}));
    await vi.advanceTimersByTimeAsync(400);
    expect(load).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(600);
    expect(load).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(400);
    expect(load).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(1_700);
    expect(await answer).toBe(1);
  });

  it("is not retried when no call waits", async () => {
    const load = vi.fn(async (): Promise<TRPCLink<EngineRouter>> => {
      throw new TypeError("offline");
    });
    const waiting = onDemand(load)({})(call).subscribe({});
    await vi.advanceTimersByTimeAsync(0);
    waiting.unsubscribe();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(load).toHaveBeenCalledTimes(1);
  });
});

it("fails the call when the loaded link throws", async () => {
  const broken: TRPCLink<EngineRouter> = () => () => {
    throw new Error("broken");
  };
  expect(await settled(onDemand(async () => broken)({}))).toBe("broken");
});

it("does not make a call that was unsubscribed while the link was loading", async () => {
  const { link, calls } = counting();
  const loaded = onDemand(async () => link)({});
  loaded(call).subscribe({}).unsubscribe();
  await settled(loaded);
  expect(calls()).toBe(1);
});
