// Owns what the log keeps of an error. Other properties may contain values: PostgreSQL's `detail` has the row.

/** Names only, never values. */
const kept = ["code", "table", "column", "constraint"] as const;

/** Causes of causes: more than any library nests. */
const maxCauses = 5;

export interface LoggedError extends Record<string, unknown> {
  readonly type: string;
  readonly message: string;
  readonly stack: string;
}

/** The serializer of `err` in log lines. */
export const loggedError = (error: unknown): LoggedError => serialized(error, maxCauses);

const serialized = (error: unknown, causes: number): LoggedError => {
  // What is thrown without being an error may be any value.
  if (!(error instanceof Error)) return { type: typeof error, message: "", stack: "" };
  const facts = error as Error & Partial<Record<(typeof kept)[number], unknown>>;
  return {
    type: error.constructor.name,
    message: error.message,
    stack: error.stack ?? "",
    ...Object.fromEntries(kept.flatMap((name) => (facts[name] === undefined ? [] : [[name, facts[name]]]))),
    ...(error.cause !== undefined && causes > 0 && { cause: serialized(error.cause, causes - 1) }),
  };
};
