// Owns the error for a database that is unavailable: down, unreachable, frozen, read-only, locked, full. Dialects throw
// it in place of the driver's error; transports answer 503 (`refusalOf` in `domain/kernel/domain-error.ts`).

/** How long callers are asked to wait. Short: most outages are a failover or a restart. */
const retryAfterSeconds = 2;

export interface Fault {
  readonly cause?: unknown;
  /** The reason, when no code of `cause` says it. `/readyz` shows it to anybody. */
  readonly reason?: string;
}

/** The database failed, not the statement. Whether the statement took effect is unknown. */
export class DatabaseUnavailableError extends Error {
  override readonly name = "DatabaseUnavailableError";
  readonly retryAfterSeconds = retryAfterSeconds;
  readonly reason: string | undefined;

  constructor(message: string, { reason, ...options }: Fault = {}) {
    super(message, options);
    this.reason = reason;
  }
}
