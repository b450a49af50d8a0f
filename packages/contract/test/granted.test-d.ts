import { describe, expectTypeOf, it } from "vitest";
import type { contract, ErrorCodeOf, Granted, PathOf } from "../src/index.ts";

type Contract = typeof contract;

/** What needs no principal at all. */
type Open = "auth.login" | "auth.methods" | "auth.refresh" | "authorization.asker";

describe("what a third party was granted", () => {
  it("leaves operations open to anyone and those of its scopes", () => {
    expectTypeOf<PathOf<Granted<Contract, "profile:read">>>().toEqualTypeOf<Open | "user.me">();
    expectTypeOf<PathOf<Granted<Contract, "profile:read" | "profile:write">>>().toEqualTypeOf<
      Open | "user.me" | "user.update"
    >();
  });

  it("leaves no area in which nothing was granted", () => {
    expectTypeOf<Granted<Contract, "profile:read">>().not.toHaveProperty("demo");
    expectTypeOf<PathOf<Granted<Contract, never>>>().toEqualTypeOf<Open>();
  });
});

describe("what an operation can be answered with", () => {
  it("is what it declares and what its access implies", () => {
    expectTypeOf<"INSUFFICIENT_SCOPE">().toExtend<ErrorCodeOf<Contract["user"]["update"]>>();
    expectTypeOf<"EMAIL_TAKEN" | "FIRST_PARTY_ONLY">().toExtend<ErrorCodeOf<Contract["account"]["changeEmail"]>>();
    expectTypeOf<"INVALID_CREDENTIALS">().toExtend<ErrorCodeOf<Contract["auth"]["login"]>>();
  });

  it("is nothing else", () => {
    expectTypeOf<Extract<ErrorCodeOf<Contract["auth"]["login"]>, "UNAUTHENTICATED" | "EMAIL_TAKEN">>().toBeNever();
    expectTypeOf<Extract<ErrorCodeOf<Contract["user"]["me"]>, "FIRST_PARTY_ONLY" | "EMAIL_TAKEN">>().toBeNever();
    expectTypeOf<Extract<ErrorCodeOf<Contract["auth"]["logout"]>, "INSUFFICIENT_SCOPE">>().toBeNever();
  });
});
