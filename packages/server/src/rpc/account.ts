// Owns the procedures that change how an account is signed in to.

import { engine } from "@lockstep/kit";
import type { Profile } from "../domain/accounts/profile.ts";
import { implement } from "./trpc.ts";

export const accountProcedures = ({ profile }: { profile: Profile }) => ({
  changeEmail: implement(engine.account.changeEmail).handle(({ ctx, input }) =>
    profile.changeEmail(ctx.principal.user.id, input.email, ctx.source),
  ),
});
