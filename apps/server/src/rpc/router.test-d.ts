import type { AppRouter } from "@lockstep/contract";
import { describe, expectTypeOf, it } from "vitest";
import type { AppRouter as Served } from "./router.ts";

describe("the served router and the contract's", () => {
  it("are assignable to each other", () => {
    expectTypeOf<Served>().toExtend<AppRouter>();
    expectTypeOf<AppRouter["_def"]>().toExtend<Pick<Served["_def"], keyof AppRouter["_def"]>>();
  });
});
