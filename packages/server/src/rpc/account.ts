// Owns the procedures that change how an account signs in.

import { engine } from "@lockstep/kit";
import type { Accounts } from "../domain/accounts/accounts.ts";
import { implement } from "./trpc.ts";

export const accountProcedures = ({ accounts }: { accounts: Accounts }) => ({
  changeEmail: implement(engine.account.changeEmail).handle(({ ctx, input }) =>
    accounts.changeEmail(ctx.principal.user.id, input.email, ctx.source),
  ),
});
