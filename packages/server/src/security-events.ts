// Owns which entries of the audit log are entries of the server's log too: attempts that were refused, and tokens that came
// back, which somebody may have stolen. Alerts and tools that block addresses read logs, not databases.

import type { NewAuditEntry } from "./domain/kernel/audit.ts";

/** An entry of the log. No name and no address of a person: their account has an ID. */
export interface SecurityEvent {
  readonly level: "info" | "warn";
  readonly message: string;
  readonly facts: {
    /** The action of the audit log, such as `sign_in`. */
    readonly event: string;
    readonly outcome: "refused" | "reused";
    /** How it was tried, if the audit log says: a factor, `email`, or the name of an identity provider. */
    readonly method: string | null;
    readonly userId: string | null;
    readonly address: string | null;
    /** The ID of the request, as in its other entries. */
    readonly reqId: string | null;
  };
}

const reuses: ReadonlySet<string> = new Set(["session.reuse", "grant.reuse"]);

/** `null`: it is nothing of the kind. */
export const securityEventOf = (entry: NewAuditEntry): SecurityEvent | null => {
  const { action: event, outcome, userId, detail = {}, source } = entry;
  const isReuse = reuses.has(event);
  if (outcome !== "refused" && !isReuse) return null;
  // Of a closed list each; the rest of the detail may have text of others.
  const method = detail["factor"] ?? detail["method"] ?? detail["provider"];
  return {
    level: isReuse ? "warn" : "info",
    message: isReuse ? "a token that was used before came back" : "an attempt was refused",
    facts: {
      event,
      outcome: isReuse ? "reused" : "refused",
      method: typeof method === "string" ? method : null,
      userId,
      address: source.address,
      reqId: source.requestId,
    },
  };
};
