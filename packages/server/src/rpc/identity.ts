// Owns the procedures about the signed-in user's identities. Linking continues in `relying-party/routes.ts`.

import { engine } from "@lockstep/kit";
import type { PasswordChange } from "../domain/accounts/password-change.ts";
import type { Identities } from "../domain/identities/identities.ts";
import type { LinkTickets } from "../domain/identities/link-tickets.ts";
import { DomainError } from "../domain/kernel/domain-error.ts";
import { implement } from "./trpc.ts";

export const identityProcedures = ({
  identities,
  linkTickets,
  passwordChange,
}: {
  identities: Identities;
  linkTickets: LinkTickets;
  passwordChange: PasswordChange;
}) => ({
  list: implement(engine.identity.list).handle(async ({ ctx }) => {
    const { id } = ctx.principal.user;
    const methods = await identities.list(id);
    return { ...methods, passwordSetAt: methods.hasPassword ? await passwordChange.lastSetAt(id) : null };
  }),

  link: implement(engine.identity.link).handle(async ({ ctx, input: { provider, returnTo } }) => {
    if (!identities.rulesOf(provider)) throw new DomainError("PROVIDER_NOT_FOUND");
    const { user, session } = ctx.principal;
    const ticket = await linkTickets.issue({ provider, session: { id: session.id, userId: user.id }, returnTo });
    return { continueAt: `/login/${provider}?${new URLSearchParams({ ticket })}` };
  }),

  unlink: implement(engine.identity.unlink).handle(async ({ ctx, input }) => {
    const { user, session } = ctx.principal;
    await identities.unlink(user, input.identityId, session.id, ctx.source);
    return {};
  }),
});
