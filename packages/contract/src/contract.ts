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

export type Contract = typeof contract;

/** The tRPC router type that clients are typed by. */
export type AppRouter = RouterOf<Contract>;
