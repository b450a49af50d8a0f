import { describe, expectTypeOf, it } from "vitest";
import type { EngineContract, ErrorCodeOf, Granted, PathIn } from "../src/index.ts";

type Operations = EngineContract["operations"];

/** The operations that need no principal. */
type Open =
  | "auth.issueAccessToken"
  | "auth.login"
  | "auth.requestSignInCode"
  | "auth.loginWithCode"
  | "auth.beginEnrolment"
  | "auth.completeEnrolment"
  | "auth.completeLogin"
  | "auth.loginWithPasskey"
  | "auth.methods"
  | "auth.passkeyOptions"
  | "auth.refresh"
  | "account.register"
  | "account.checkCode"
  | "account.completeRegistration"
  | "account.recover"
  | "account.resetPassword"
  | "account.undoEmailChange"
  | "account.cancelDeletion"
  | "account.resendProof"
  | "account.readProof"
  | "authorization.asker";

describe("the operations of a third-party client", () => {
  it("are those that are open to anyone and those of its scopes", () => {
    expectTypeOf<PathIn<Granted<EngineContract, "profile:read">>>().toEqualTypeOf<Open | "user.me">();
    expectTypeOf<PathIn<Granted<EngineContract, "profile:read" | "profile:write">>>().toEqualTypeOf<
      Open | "user.me" | "user.update"
    >();
  });

  it("have no area without a granted operation", () => {
    expectTypeOf<Granted<EngineContract, "profile:read">["operations"]>().not.toHaveProperty("grant");
    expectTypeOf<PathIn<Granted<EngineContract, never>>>().toEqualTypeOf<Open>();
  });
});

describe("the errors of an operation", () => {
  it("are those that it declares and those that its access implies", () => {
    expectTypeOf<"INSUFFICIENT_SCOPE">().toExtend<ErrorCodeOf<Operations["user"]["update"]>>();
    expectTypeOf<"EMAIL_TAKEN" | "FIRST_PARTY_ONLY">().toExtend<
      ErrorCodeOf<Operations["account"]["completeEmailChange"]>
    >();
    expectTypeOf<"INVALID_CREDENTIALS">().toExtend<ErrorCodeOf<Operations["auth"]["login"]>>();
  });

  it("are no others", () => {
    expectTypeOf<Extract<ErrorCodeOf<Operations["auth"]["login"]>, "UNAUTHENTICATED" | "EMAIL_TAKEN">>().toBeNever();
    expectTypeOf<Extract<ErrorCodeOf<Operations["user"]["me"]>, "FIRST_PARTY_ONLY" | "EMAIL_TAKEN">>().toBeNever();
    expectTypeOf<Extract<ErrorCodeOf<Operations["auth"]["logout"]>, "INSUFFICIENT_SCOPE">>().toBeNever();
  });
});
