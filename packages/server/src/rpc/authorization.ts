// Owns the procedures with which a person answers a client's authorization request.

import { engine } from "@lockstep/kit";
import type { AuthorizationRequestHere, AuthorizationRequests } from "../domain/clients/authorization-requests.ts";
import type { Context } from "./context.ts";
import { implement } from "./trpc.ts";

export const authorizationProcedures = ({
  authorizationRequests,
}: {
  authorizationRequests: AuthorizationRequests;
}) => ({
  asker: implement(engine.authorization.asker).handle(({ ctx, input }) =>
    authorizationRequests.asker(here(ctx, input)),
  ),

  read: implement(engine.authorization.read).handle(({ ctx, input }) =>
    authorizationRequests.read(here(ctx, input), ctx.principal.user, ctx.principal.session),
  ),

  approve: implement(engine.authorization.approve).handle(async ({ ctx, input }) => {
    const { user, session } = ctx.principal;
    const answer = await authorizationRequests.approve(here(ctx, input), user, session, ctx.source);
    ctx.cookies.clearAuthorization(input.authorizationId);
    return answer;
  }),

  deny: implement(engine.authorization.deny).handle(async ({ ctx, input }) => {
    const answer = await authorizationRequests.deny(here(ctx, input), ctx.principal.session);
    ctx.cookies.clearAuthorization(input.authorizationId);
    return answer;
  }),
});

/**
 * The request, with the browser's proof that it began here, so that nobody answers for another person (RFC 9700 §4.7).
 */
const here = (
  { cookies }: Context,
  { authorizationId: id }: { authorizationId: string },
): AuthorizationRequestHere => ({
  id,
  browserSecret: cookies.authorizationSecret(id),
});
