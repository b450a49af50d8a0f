// Owns the error that means "the database cannot serve this now": down, unreachable, frozen, read-only, locked, full.
// Dialects throw it in place of the driver's own error; transports answer 503 (`refusalOf` in `domain/kernel/domain-error.ts`).

/** How long a caller is asked to wait. Short: most outages are a failover or a restart. */
const retryAfterSeconds = 2;

export interface Fault {
  readonly cause?: unknown;
  /** What is wrong, where no code of the `cause` says it: for `/readyz`, which tells it to anybody. */
  readonly reason?: string;
}

/** The database is to blame, not the statement. Whether the statement ran is not known. */
export class DatabaseUnavailableError extends Error {
  override readonly name = "DatabaseUnavailableError";
  readonly retryAfterSeconds = retryAfterSeconds;
  readonly reason: string | undefined;

  constructor(message: string, { reason, ...options }: Fault = {}) {
    super(message, options);
    this.reason = reason;
  }
}
