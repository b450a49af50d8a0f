// Implements the protected route of the FastAPI guide.

import { type Contract, contract } from "@app/contract";
import type { Tools } from "@lockstep/server";

const { demo } = contract.operations;

export const demoProcedures = ({ implement }: Tools<Contract>) => ({
  greeting: implement(demo.greeting).handle(({ ctx }) => ({
    message: `Hello, ${ctx.principal.user.fullName}! This is a protected route.`,
  })),
});
