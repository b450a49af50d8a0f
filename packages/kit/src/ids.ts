// Owns the format of IDs.

import { z } from "zod";

/** Schema of an ID that the server made. Untrusted input that is not an ID is rejected before it reaches a database. */
export const Id = z.string().regex(/^[\w-]{1,100}$/, { error: "Must be an ID" });
