import { contract } from "@lockstep/contract";
import { DomainError } from "../domain/domain-error.ts";
import type { PasswordChange } from "../domain/password-change.ts";
import type { Users } from "../domain/users.ts";
import { implement } from "./trpc.ts";

export const userProcedures = ({ users, passwordChange }: { users: Users; passwordChange: PasswordChange }) => ({
  me: implement(contract.user.me).handle(({ ctx }) => ctx.principal.user),

  update: implement(contract.user.update).handle(async ({ ctx, input }) => {
    const updated = await users.update(ctx.principal.user.id, input);
    // Deleted since the guard looked: its session is gone as well.
    if (!updated) throw new DomainError("INVALID_TOKEN");
    return updated;
  }),

  changePassword: implement(contract.user.changePassword).handle(async ({ ctx, input }) => {
    await passwordChange.byOwner(ctx.principal, input, ctx.source);
    return {};
  }),
});
