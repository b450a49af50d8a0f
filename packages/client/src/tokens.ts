// Owns where a client keeps what it was given at sign-in.

/** What a signed-in client holds. */
export interface Tokens {
  readonly accessToken: string;
  /** When the access token expires: epoch milliseconds by this machine's clock. Absent: not known. */
  readonly expiresAt?: number;
}

/**
 * A place for tokens; `null` is signed out. `get` and `subscribe` fit React's `useSyncExternalStore` when `get`
 * answers with the same object until the next change, as `memoryTokens` does.
 */
export interface TokenStore {
  get(): Tokens | null;
  set(tokens: Tokens | null): void;
  /** Calls `listener` after each change; the returned function ends that. */
  subscribe(listener: () => void): () => void;
}

/**
 * Keeps tokens in memory: gone with the page or the process, and out of reach of other pages.
 * @param initial what is held from the start, such as the token that a third party was granted
 */
export const memoryTokens = (initial: Tokens | null = null): TokenStore => {
  let current = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => current,
    set(tokens) {
      if (tokens === current) return;
      current = tokens;
      for (const listener of [...listeners]) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
};
