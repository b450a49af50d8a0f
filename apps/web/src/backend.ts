// The connection to the backend, typed by this app's contract.

import type { Contract } from "@app/contract";
import type { ErrorOf as ErrorIn } from "@lockstep/client";
import type { PathIn } from "@lockstep/kit";
// Not from "@lockstep/pages": a hot update of a page would then create a new connection, and lose the session of the
// page.
import { createBackend } from "@lockstep/pages/backend";

export const backend = createBackend<Contract>();

export const { client, trpc, readFailure } = backend;

/** The errors of a call of the operation at `P`. */
export type ErrorOf<P extends PathIn<Contract>> = ErrorIn<P, Contract>;
