// Owns which SQL texts PostgreSQL plans once for each connection: those of `prepared.ts`, a small, fixed set.

import { createHash } from "node:crypto";

const names = new Map<string, string>();

/** Keeps the plan of this text on each connection. */
export const nameStatement = (sql: string): void => {
  names.set(sql, `lockstep_${createHash("sha256").update(sql).digest("hex").slice(0, 16)}`);
};

/** The name of the text's plan; `undefined`: it is planned each time. */
export const nameOf = (sql: string): string | undefined => names.get(sql);
