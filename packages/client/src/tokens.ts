// Owns where a client keeps what it was given at sign-in.

/** What a signed-in client holds. */
export interface Tokens {
  readonly accessToken: string;
  /** When the access token expires: epoch milliseconds by this machine's clock. Absent: not known. */
  readonly expiresAt?: number;
}

/** A place for tokens. `null` is signed out. */
export interface TokenStore {
  get(): Tokens | null;
  set(tokens: Tokens | null): void;
  /** Calls `listener` after each change; the returned function ends that. */
  subscribe(listener: () => void): () => void;
}

/** Keeps tokens in memory: gone with the page or the process, and out of reach of other pages. */
export const memoryTokens = (initial: Tokens | null = null): TokenStore => {
  let current = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => current,
    set(tokens) {
      current = tokens;
      for (const listener of listeners) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
};
