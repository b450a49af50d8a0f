// The connection to the backend, typed by this app's contract.

import type { Contract } from "@app/contract";
import type { ErrorOf as ErrorIn } from "@lockstep/client";
import type { PathIn } from "@lockstep/kit";
import { createBackend } from "@lockstep/pages";

export const backend = createBackend<Contract>();

export const { client, trpc, readFailure } = backend;

/** What a call of the operation at `P` can fail with. */
export type ErrorOf<P extends PathIn<Contract>> = ErrorIn<P, Contract>;
