import { contract } from "@lockstep/contract";
import type { AuthorizationRequests } from "../domain/authorization-requests.ts";
import { DomainError } from "../domain/domain-error.ts";
import type { Context } from "./context.ts";
import { implement } from "./trpc.ts";

export const authorizationProcedures = ({
  authorizationRequests,
}: {
  authorizationRequests: AuthorizationRequests;
}) => ({
  asker: implement(contract.authorization.asker).handle(({ ctx, input }) =>
    authorizationRequests.asker(heldHere(ctx, input)),
  ),

  read: implement(contract.authorization.read).handle(({ ctx, input }) =>
    authorizationRequests.read(heldHere(ctx, input), ctx.principal.user, ctx.principal.session),
  ),

  approve: implement(contract.authorization.approve).handle(async ({ ctx, input }) => {
    const { user, session } = ctx.principal;
    const id = heldHere(ctx, input);
    const answer = await authorizationRequests.approve(id, user, session, ctx.source);
    ctx.cookies.clearAuthorization(id);
    return answer;
  }),

  deny: implement(contract.authorization.deny).handle(async ({ ctx, input }) => {
    const id = heldHere(ctx, input);
    const answer = await authorizationRequests.deny(id);
    ctx.cookies.clearAuthorization(id);
    return answer;
  }),
});

/** A request that began in another browser is none, for this one: nobody answers for somebody else (RFC 9700 §4.7). */
const heldHere = ({ cookies }: Context, { authorizationId }: { authorizationId: string }): string => {
  if (!cookies.holdsAuthorization(authorizationId)) throw new DomainError("AUTHORIZATION_NOT_FOUND");
  return authorizationId;
};
