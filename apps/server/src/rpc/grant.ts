import { contract } from "@lockstep/contract";
import { DomainError } from "../domain/domain-error.ts";
import type { Grants } from "../domain/grants.ts";
import { implement } from "./trpc.ts";

export const grantProcedures = ({ grants }: { grants: Grants }) => ({
  list: implement(contract.grant.list).handle(({ ctx }) => grants.list(ctx.principal.user.id)),

  revoke: implement(contract.grant.revoke).handle(async ({ ctx, input }) => {
    const revoked = await grants.revoke(ctx.principal.user.id, input.applicationId, ctx.source);
    if (!revoked) throw new DomainError("APPLICATION_NOT_FOUND");
    return {};
  }),
});
