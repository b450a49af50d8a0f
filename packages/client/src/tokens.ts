// Owns the tokens of a client and the stores that keep them.

import { type TakeTurn, turnsOf } from "./turns.ts";

/** The tokens of a signed-in client. */
export interface Tokens {
  readonly accessToken: string;
  /** When the access token expires, in epoch milliseconds by this machine's clock. Absent: not known. */
  readonly expiresAt?: number;
  /** When the client refreshes it, a little earlier, in epoch milliseconds by this machine's clock. */
  readonly refreshAt?: number;
  /** Absent when it is in a cookie, and when there is only an access token. */
  readonly refreshToken?: string;
  /** The session that these belong to, so that the end of one session never removes the tokens of a later one. */
  readonly sessionId?: string;
  /** The granted scopes of a third-party client. Absent for first-party clients. */
  readonly scopes?: readonly string[];
}

/** Tokens as the server issues them. */
export interface IssuedTokens {
  readonly accessToken: string;
  /** How long the access token is valid, in seconds. Absent: not known. */
  readonly expiresIn?: number | undefined;
  readonly refreshToken?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
}

/** An access token is refreshed this long before it expires, or a tenth of its lifetime before if that is less. */
const marginMs = 60_000;

/**
 * Issued tokens as they are stored.
 * @param askedAt when they were requested, by this machine's clock: their lifetime may begin before the answer arrives
 */
export const tokensOf = (
  { accessToken, expiresIn, refreshToken, sessionId, scopes }: IssuedTokens,
  askedAt: number,
): Tokens => {
  const lifetimeMs = expiresIn === undefined ? undefined : expiresIn * 1000;
  return {
    accessToken,
    ...(lifetimeMs !== undefined && {
      expiresAt: askedAt + lifetimeMs,
      refreshAt: askedAt + lifetimeMs - Math.min(marginMs, lifetimeMs / 10),
    }),
    ...(refreshToken !== undefined && { refreshToken }),
    ...(sessionId !== undefined && { sessionId }),
    ...(scopes && { scopes }),
  };
};

/** Storage for one value; `null` means none. May be asynchronous. */
export interface Slot<T> {
  get(): T | null | Promise<T | null>;
  set(value: T | null): void | Promise<void>;
}

/**
 * Storage for tokens; `null` means signed out. The client reads it before each call, so a store that is slow to read
 * should keep a copy in memory. `set` resolves when the tokens are durably stored, as far as the store can.
 */
export interface TokenStore extends Slot<Tokens> {
  /** Calls `listener` after each change, whoever made it. Returns a function that removes the listener. */
  subscribe?(listener: () => void): () => void;
  /**
   * Runs `task` while no other client of the same store runs one. Sign-in, refresh and sign-out run in it. Default: the
   * clients of this process that have this store object take turns.
   */
  exclusive?<T>(task: () => Promise<T>): Promise<T>;
  /** The device token, which identifies this device as known at the next sign-in. It outlives the session. */
  readonly device?: Slot<string>;
}

/** A synchronous store. `get` and `subscribe` fit React's `useSyncExternalStore`. */
export interface MemoryTokens extends TokenStore {
  get(): Tokens | null;
  set(tokens: Tokens | null): void;
  subscribe(listener: () => void): () => void;
}

/**
 * Keeps tokens in memory. They are gone with the page or the process, and no other page can read them.
 * @param initial the initial tokens, such as the access token of a third-party client
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

/** The same store with `subscribe`, which tells of the changes made through it, if the store itself has none. */
export const watchable = (store: TokenStore): TokenStore => {
  if (store.subscribe) return store;
  const listeners = new Set<() => void>();
  return {
    get: () => store.get(),
    async set(tokens) {
      await store.set(tokens);
      for (const listener of [...listeners]) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    exclusive: turnsAt(store),
    ...(store.device && { device: store.device }),
  };
};

/** The turns of a store: its own `exclusive`, or else those of this process for this store object. */
export const turnsAt = (store: TokenStore): TakeTurn => store.exclusive?.bind(store) ?? turnsOf(store);
