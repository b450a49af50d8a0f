import { engine } from "@lockstep/kit";
import type { Applications, Owner } from "../domain/applications.ts";
import { DomainError } from "../domain/domain-error.ts";
import type { FirstPartyPrincipal } from "../domain/guard.ts";
import { implement } from "./trpc.ts";

export const applicationProcedures = ({ applications }: { applications: Applications }) => ({
  list: implement(engine.application.list).handle(({ ctx }) => applications.list(ownerIn(ctx.principal))),

  register: implement(engine.application.register).handle(({ ctx, input }) =>
    applications.register(input, ownerIn(ctx.principal), ctx.source),
  ),

  update: implement(engine.application.update).handle(async ({ ctx, input }) => {
    const { applicationId, ...change } = input;
    return found(await applications.update(applicationId, change, ownerIn(ctx.principal), ctx.source));
  }),

  rotateSecret: implement(engine.application.rotateSecret).handle(async ({ ctx, input }) =>
    found(await applications.rotateSecret(input.applicationId, ownerIn(ctx.principal), ctx.source)),
  ),

  delete: implement(engine.application.delete).handle(async ({ ctx, input }) => {
    const deleted = await applications.delete(input.applicationId, ownerIn(ctx.principal), ctx.source);
    if (!deleted) throw new DomainError("APPLICATION_NOT_FOUND");
    return {};
  }),
});

const ownerIn = ({ user }: FirstPartyPrincipal): Owner => ({ userId: user.id });

const found = <T>(application: T | null): T => {
  if (application === null) throw new DomainError("APPLICATION_NOT_FOUND");
  return application;
};
