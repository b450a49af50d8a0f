import { contract } from "@lockstep/contract";
import type { Sessions } from "../domain/sessions.ts";
import type { SignIn } from "../domain/sign-in.ts";
import { implement } from "./trpc.ts";

export const authProcedures = ({ signIn, sessions }: { signIn: SignIn; sessions: Sessions }) => ({
  login: implement(contract.auth.login).handle(({ input }) => signIn.withPassword(input)),

  logout: implement(contract.auth.logout).handle(async ({ ctx }) => {
    await sessions.end(ctx.principal.session.id);
    return {};
  }),
});
