// Owns where a client keeps what it was given at sign-in.

/** What a signed-in client holds. */
export interface Tokens {
  readonly accessToken: string;
  /** When the access token expires: epoch milliseconds by this machine's clock. Absent: not known. */
  readonly expiresAt?: number;
  /** From when on the next one is asked for, a little before: epoch milliseconds by this machine's clock. */
  readonly refreshAt?: number;
  /** Absent where the browser keeps it, and where the access token is all there is. */
  readonly refreshToken?: string;
  readonly sessionId?: string;
}

/** Where one thing is kept; `null` is nothing. It may take its time. */
export interface Slot<T> {
  get(): T | null | Promise<T | null>;
  set(value: T | null): void | Promise<void>;
}

/**
 * A place for tokens; `null` is signed out. It is asked before each call, so one that is slow to read keeps a copy in
 * memory. `set` is done when what was kept survives the end of the process, as far as this store can.
 */
export interface TokenStore extends Slot<Tokens> {
  /** Calls `listener` after each change that others than the client may have made; the returned function ends that. */
  subscribe?(listener: () => void): () => void;
  /**
   * Runs `task` while nobody else who uses the same place runs one: sign-in, refresh and sign-out go through here.
   * Left out: clients of this process that have this very store take turns.
   */
  exclusive?<T>(task: () => Promise<T>): Promise<T>;
  /** What tells this device from a stranger's at the next sign-in: it outlives the session. */
  readonly device?: Slot<string>;
}

/** A store that is at hand at once: `get` and `subscribe` fit React's `useSyncExternalStore`. */
export interface MemoryTokens extends TokenStore {
  get(): Tokens | null;
  set(tokens: Tokens | null): void;
  subscribe(listener: () => void): () => void;
}

/**
 * Keeps tokens in memory: gone with the page or the process, and out of reach of other pages.
 * @param initial what is held from the start, such as the token that a third party was granted
 */
export const memoryTokens = (initial: Tokens | null = null): MemoryTokens => {
  let current = initial;
  let deviceToken: string | null = null;
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
    device: {
      get: () => deviceToken,
      set(token) {
        deviceToken = token;
      },
    },
  };
};
