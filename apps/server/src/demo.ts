// The protected route of the tutorial: delete it with its operation in the contract when you need it no more.

import { contract } from "@app/contract";
import type { Tools } from "@lockstep/server";

const { demo } = contract.operations;

export const demoProcedures = ({ implement }: Tools<typeof contract.errors>) => ({
  greeting: implement(demo.greeting).handle(({ ctx }) => ({
    message: `Hello, ${ctx.principal.user.fullName}! This is a protected route.`,
  })),
});
