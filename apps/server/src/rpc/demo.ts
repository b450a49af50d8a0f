import { contract } from "@lockstep/contract";
import { implement } from "./trpc.ts";

export const demoProcedures = () => ({
  greeting: implement(contract.demo.greeting).handle(({ ctx }) => ({
    message: `Hello, ${ctx.principal.user.fullName}! This is a protected route.`,
  })),
});
