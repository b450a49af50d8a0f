// Owns the procedures about what the signed-in user granted to clients.

import { engine } from "@lockstep/kit";
import type { Grants } from "../domain/clients/grants.ts";
import { DomainError } from "../domain/kernel/domain-error.ts";
import { implement } from "./trpc.ts";

export const grantProcedures = ({ grants }: { grants: Grants }) => ({
  list: implement(engine.grant.list).handle(({ ctx }) => grants.list(ctx.principal.user.id)),

  revoke: implement(engine.grant.revoke).handle(async ({ ctx, input }) => {
    const revoked = await grants.revoke(ctx.principal.user.id, input.clientId, ctx.source);
    if (!revoked) throw new DomainError("CLIENT_NOT_FOUND");
    return {};
  }),
});
