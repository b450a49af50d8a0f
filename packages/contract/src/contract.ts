// The contract of this app: the engine's operations and those of its features. Add yours to the list; the compiler then
// asks for its procedures in apps/server/src/app.ts.

import { composeContract, type RouterOf } from "@lockstep/kit";
import { notes } from "./notes.ts";
import { protectedRoute } from "./protected-route.ts";

export const contract = composeContract({
  features: [
    notes, //
    protectedRoute,
  ],
});

type DeclaredContract = typeof contract;
/** An interface, so that compilers and editors name it where they would write out a type alias. */
export interface Contract extends DeclaredContract {}

/** The tRPC router type that clients are typed by. */
export type AppRouter = RouterOf<Contract>;
