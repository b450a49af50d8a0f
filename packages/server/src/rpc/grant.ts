import { engine } from "@lockstep/kit";
import { DomainError } from "../domain/domain-error.ts";
import type { Grants } from "../domain/grants.ts";
import { implement } from "./trpc.ts";

export const grantProcedures = ({ grants }: { grants: Grants }) => ({
  list: implement(engine.grant.list).handle(({ ctx }) => grants.list(ctx.principal.user.id)),

  revoke: implement(engine.grant.revoke).handle(async ({ ctx, input }) => {
    const revoked = await grants.revoke(ctx.principal.user.id, input.applicationId, ctx.source);
    if (!revoked) throw new DomainError("APPLICATION_NOT_FOUND");
    return {};
  }),
});
