// Owns which SQL texts PostgreSQL plans once for each connection: those of `prepared.ts`, a small and fixed set.

import { createHash } from "node:crypto";

const names = new Map<string, string>();

/** Lets a connection keep the plan of this text. */
export const nameStatement = (sql: string): void => {
  names.set(sql, `lockstep_${createHash("sha256").update(sql).digest("hex").slice(0, 16)}`);
};

/** The name of the text's plan; `undefined`: it is planned each time. */
export const nameOf = (sql: string): string | undefined => names.get(sql);
