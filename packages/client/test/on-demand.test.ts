import type { AppRouter } from "@lockstep/contract";
import type { OperationLink, TRPCLink } from "@trpc/client";
import { observable } from "@trpc/server/observable";
import { expect, it, vi } from "vitest";
import { onDemand } from "../src/on-demand.ts";

type Call = Parameters<OperationLink<AppRouter>>[0];
/** What a link is called with; these look at none of it. */
const call = {} as Call;

/** A link that answers each call with its number, then completes. */
const counting = () => {
  let calls = 0;
  const link: TRPCLink<AppRouter> = () => () =>
    observable((observer) => {
      observer.next({ result: { type: "data", data: ++calls } });
      observer.complete();
    });
  return { link, calls: () => calls };
};

const settled = (link: OperationLink<AppRouter>) =>
  new Promise((resolve) => {
    link(call).subscribe({
      next: ({ result }) => resolve("data" in result && result.data),
      error: (error) => resolve(error.message),
    });
  });

it("loads a link with the first call that takes it, once", async () => {
  const { link } = counting();
  const load = vi.fn(async () => link);
  const loaded = onDemand(load)({});
  expect(load).not.toHaveBeenCalled();
  expect(await Promise.all([settled(loaded), settled(loaded)])).toEqual([1, 2]);
  expect(await settled(loaded)).toBe(3);
  expect(load).toHaveBeenCalledTimes(1);
});

it("fails a call whose link cannot be loaded, and tries again with the next", async () => {
  const { link } = counting();
  const load = vi.fn(async () => link).mockRejectedValueOnce(new TypeError("offline"));
  const loaded = onDemand(load)({});
  expect(await settled(loaded)).toBe("offline");
  expect(await settled(loaded)).toBe(1);
});

it("makes no call that was given up while the link was loaded", async () => {
  const { link, calls } = counting();
  const loaded = onDemand(async () => link)({});
  loaded(call).subscribe({}).unsubscribe();
  await settled(loaded);
  expect(calls()).toBe(1);
});
