// Owns the procedures with which people manage their second factors, passkeys and trusted devices.

import { engine } from "@lockstep/kit";
import type { FactorSignIn } from "../domain/factors/factor-sign-in.ts";
import type { Factors } from "../domain/factors/factors.ts";
import type { Passkeys } from "../domain/factors/passkeys.ts";
import type { RecoveryCodes } from "../domain/factors/recovery-codes.ts";
import { implement } from "./trpc.ts";

export const factorProcedures = ({
  factors,
  factorSignIn,
  recoveryCodes,
  passkeys,
}: {
  factors: Factors;
  factorSignIn: FactorSignIn;
  recoveryCodes: RecoveryCodes;
  passkeys: Passkeys;
}) => ({
  list: implement(engine.factor.list).handle(async ({ ctx: { principal } }) => ({
    ...(await factors.overview(principal.user.id)),
    passkeys: await passkeys.accepted(principal.user.id),
  })),

  begin: implement(engine.factor.begin).handle(({ ctx, input: { kind } }) =>
    factorSignIn.beginFactor(ctx.principal, kind),
  ),

  complete: implement(engine.factor.complete).handle(({ ctx, input }) =>
    factorSignIn.completeFactor(ctx.principal, input, ctx.source),
  ),

  rename: implement(engine.factor.rename).handle(({ ctx, input: { factorId, name } }) =>
    factors.rename(ctx.principal.user.id, factorId, name, ctx.source),
  ),

  remove: implement(engine.factor.remove).handle(async ({ ctx, input: { factorId } }) => {
    await factors.remove(ctx.principal, factorId, ctx.source);
    return {};
  }),

  renewRecoveryCodes: implement(engine.factor.renewRecoveryCodes).handle(async ({ ctx }) => ({
    codes: await recoveryCodes.renew(ctx.principal.user.id, ctx.source),
  })),

  cancelReset: implement(engine.factor.cancelReset).handle(async ({ ctx }) => {
    // Where no reset is under way any more, there is nothing to stop.
    await factors.cancelReset(ctx.principal.user.id, ctx.source);
    return {};
  }),

  forgetDevice: implement(engine.factor.forgetDevice).handle(async ({ ctx, input: { deviceId } }) => {
    await factors.forgetDevice(ctx.principal.user.id, deviceId, ctx.source);
    return {};
  }),
});
