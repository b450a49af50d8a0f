// Owns where a client keeps what it was given at sign-in.

import { type TakeTurn, turnsOf } from "./turns.ts";

/** What a signed-in client holds. */
export interface Tokens {
  readonly accessToken: string;
  /** When the access token expires: epoch milliseconds by this machine's clock. Absent: not known. */
  readonly expiresAt?: number;
  /** From when on the next one is asked for, a little before: epoch milliseconds by this machine's clock. */
  readonly refreshAt?: number;
  /** Absent where the browser keeps it, and where the access token is all there is. */
  readonly refreshToken?: string;
  /** Names the sign-in that these came from, so that the end of one never takes the tokens of a later one. */
  readonly sessionId?: string;
  /** What a third party was granted: names of scopes. Absent for an app of our own. */
  readonly scopes?: readonly string[];
}

/** What a server issued, as it told of it. */
export interface IssuedTokens {
  readonly accessToken: string;
  /** For how long the access token is good, in seconds. Absent: not known. */
  readonly expiresIn?: number | undefined;
  readonly refreshToken?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
}

/** The next token is asked for when this much is left of an access token, or a tenth of its life if that is less. */
const marginMs = 60_000;

/**
 * Issued tokens as they are kept.
 * @param askedAt when they were asked for, by this machine's clock: the answer may have taken its time
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

/** The store with news of each change that is made through it, where it has none of its own. */
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

/** Turns at a store: among all who share the place, or those in this process who share the object. */
export const turnsAt = (store: TokenStore): TakeTurn => store.exclusive?.bind(store) ?? turnsOf(store);
