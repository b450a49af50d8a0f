// Owns the procedures about the signed-in user: their profile and their password.

import { engine } from "@lockstep/kit";
import type { Accounts } from "../domain/accounts/accounts.ts";
import type { PasswordChange } from "../domain/accounts/password-change.ts";
import { implement } from "./trpc.ts";

export const userProcedures = ({
  accounts,
  passwordChange,
}: {
  accounts: Accounts;
  passwordChange: PasswordChange;
}) => ({
  me: implement(engine.user.me).handle(({ ctx }) => ctx.principal.user),

  update: implement(engine.user.update).handle(({ ctx, input }) =>
    accounts.update(ctx.principal.user.id, input, ctx.source),
  ),

  changePassword: implement(engine.user.changePassword).handle(async ({ ctx, input }) => {
    await passwordChange.byOwner(ctx.principal, input, ctx.source);
    return {};
  }),

  setPassword: implement(engine.user.setPassword).handle(async ({ ctx, input }) => {
    await passwordChange.setFirst(ctx.principal, input, ctx.source);
    return {};
  }),

  recentAccess: implement(engine.user.recentAccess).handle(({ ctx }) =>
    passwordChange.recentAccess(ctx.principal.user.id),
  ),
});
