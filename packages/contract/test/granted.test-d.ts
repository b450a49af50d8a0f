import { describe, expectTypeOf, it } from "vitest";
import { z } from "zod";
import {
  anyone,
  type contract,
  type ErrorCodeOf,
  firstParty,
  type Granted,
  mutation,
  type PathOf,
  query,
  scoped,
} from "../src/index.ts";

type Contract = typeof contract;

/** One operation of each access. A contract of the test's own: an operation more in the real one changes nothing here. */
const small = {
  auth: { login: mutation({ summary: "Sign in", access: anyone, output: z.object({}) }) },
  user: {
    me: query({ summary: "Read", access: scoped("profile:read"), output: z.object({}) }),
    update: mutation({ summary: "Change", access: scoped("profile:write"), output: z.object({}) }),
    changePassword: mutation({ summary: "Change", access: firstParty(), output: z.object({}) }),
  },
  demo: { greeting: query({ summary: "Greet", access: scoped("greeting:read"), output: z.object({}) }) },
};
type Small = typeof small;

describe("what a third party was granted", () => {
  it("leaves operations open to anyone and those of its scopes", () => {
    expectTypeOf<PathOf<Granted<Small, "profile:read">>>().toEqualTypeOf<"auth.login" | "user.me">();
    expectTypeOf<PathOf<Granted<Small, "profile:read" | "profile:write">>>().toEqualTypeOf<
      "auth.login" | "user.me" | "user.update"
    >();
  });

  it("leaves no area in which nothing was granted", () => {
    expectTypeOf<Granted<Small, "profile:read">>().not.toHaveProperty("demo");
    expectTypeOf<PathOf<Granted<Small, never>>>().toEqualTypeOf<"auth.login">();
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
