// Owns the session of one client: its tokens, when they are refreshed, and when the session ends. `session-link.ts` owns
// the session's part in each call; `tabs.ts` and the store's `exclusive` own the turns among tabs and processes.

import type { LoginInput, RefreshInput, SessionEndReason, User } from "@lockstep/kit";
import type { News, Tabs } from "./tabs.ts";
import { type IssuedTokens, type TokenStore, type Tokens, tokensOf, turnsAt } from "./tokens.ts";

/** Whether a user is signed in. The same object until the next change. */
export type SessionState =
  /** Not known yet. `error`: why the last attempt to find out failed. The next call, or `restore`, tries again. */
  | { readonly status: "loading"; readonly error?: unknown }
  /** `user` and `sessionId` are absent while they are not known, such as for tokens found in a store. */
  | { readonly status: "signedIn"; readonly user?: User; readonly sessionId?: string }
  /** `reason` is `null` when no user was signed in from the start. */
  | { readonly status: "signedOut"; readonly reason: SessionEndReason | null };

/** The session of a client, read-only. `get` and `subscribe` fit React's `useSyncExternalStore`, and the stores of other libraries. */
export interface ClientSession {
  get(): SessionState;
  /** Calls `listener` after each change. Returns a function that removes the listener. */
  subscribe(listener: () => void): () => void;
  /**
   * Finds out whether a user is signed in, if that is not known yet: from the store, or with the browser's cookie.
   * Calls do this automatically. Rejects when the server cannot be reached; that does not sign the user out.
   */
  restore(): Promise<SessionState>;
}

export interface SessionOptions {
  readonly tokens: TokenStore;
  readonly transport: "body" | "cookie";
  readonly tabs: Tabs | null;
  /** Gets new tokens. Rejects when the server cannot be reached; the session then continues. */
  readonly refresh: (current: Tokens | null) => Promise<Issued | Ended>;
  readonly now: () => number;
  readonly onSignedOut: ((reason: SessionEndReason) => void) | undefined;
}

/** The answer to a sign-in or a refresh. */
export interface Issued extends IssuedTokens {
  readonly user?: User | null;
  readonly deviceToken?: string | undefined;
}

/** The answer to a refresh of a session that has ended. */
export interface Ended {
  readonly ended: SessionEndReason;
}

export type Session = ReturnType<typeof createSession>;

/** How long the current token is used after an early refresh failed, before the next attempt. */
const retryAheadMs = 5_000;

export const createSession = ({ tokens, transport, tabs, refresh, now, onSignedOut }: SessionOptions) => {
  const byCookie = transport === "cookie";
  const turn = tabs?.exclusive ?? turnsAt(tokens);
  const listeners = new Set<() => void>();
  let state: SessionState = { status: "loading" };
  /** The number of store changes that this client is making now, whose notifications are ignored. */
  let changing = 0;
  /** The last session that ended: late news must not bring it back. */
  let endedId: string | undefined;
  let preparing: Promise<void> | undefined;
  let renewing: Promise<boolean> | undefined;
  /** No early refresh before this time. */
  let refreshNotBefore = Number.NEGATIVE_INFINITY;
  /** Called after each change of the tokens that another tab made. */
  const newsListeners = new Set<() => void>();

  const become = (next: SessionState) => {
    state = next;
    for (const listener of [...listeners]) listener();
  };

  const store = async (next: Tokens | null) => {
    changing++;
    try {
      await tokens.set(next);
    } finally {
      changing--;
    }
  };

  const signedIn = ({ sessionId }: Tokens, user?: User | null) => {
    const before = state.status === "signedIn" && state.sessionId === sessionId ? state.user : undefined;
    const known = user ?? before;
    become({ status: "signedIn", ...(known && { user: known }), ...(sessionId !== undefined && { sessionId }) });
  };

  const signedOut = (reason: SessionEndReason) => {
    const before = state;
    if (before.status === "signedOut") return;
    // A visitor who came without a session was not signed out.
    const isVisitor = before.status === "loading" && reason === "unknown";
    become({ status: "signedOut", reason: isVisitor ? null : reason });
    if (!isVisitor) onSignedOut?.(reason);
  };

  /** Updates the state from the store, which others may have changed. */
  const follow = (current: Tokens | null) => {
    if (current) {
      if (state.status !== "signedIn" || state.sessionId !== current.sessionId) signedIn(current);
    } else if (state.status === "signedIn") signedOut("signed_out");
    else if (state.status === "loading" && !byCookie) become({ status: "signedOut", reason: null });
  };

  /** Stores the token which shows that the user signed in on this device before. */
  const keepDevice = async ({ deviceToken }: Pick<Issued, "deviceToken">): Promise<void> => {
    if (deviceToken !== undefined) await tokens.device?.set(deviceToken);
  };

  /** Stores the answer to a sign-in or a refresh. `false`: that session has ended in the meantime. */
  const keep = async ({ user = null, deviceToken, ...issued }: Issued, askedAt: number): Promise<boolean> => {
    if (isSame(issued.sessionId, endedId)) return false;
    const { refreshToken: _, ...inMemory } = issued;
    const next = tokensOf(byCookie ? inMemory : issued, askedAt);
    await store(next);
    await keepDevice({ deviceToken });
    refreshNotBefore = Number.NEGATIVE_INFINITY;
    signedIn(next, user);
    tabs?.tell({ type: "signed_in", tokens: next, user });
    return true;
  };

  /** Ends the session that the tokens `of` belong to. `false`: a later one has replaced it. */
  const end = async (reason: SessionEndReason, of: Tokens | null): Promise<boolean> => {
    const current = await tokens.get();
    const same = !of || !current || current.accessToken === of.accessToken || isSame(current.sessionId, of.sessionId);
    if (!same) return false;
    const sessionId = current?.sessionId ?? of?.sessionId;
    endedId = sessionId;
    if (current) await store(null);
    signedOut(reason);
    tabs?.tell({ type: "ended", sessionId: sessionId ?? null, reason });
    return true;
  };

  const hear = async (news: News) => {
    if (news.type === "signed_in") {
      if (news.tokens.sessionId === endedId) return;
      await store(news.tokens);
      signedIn(news.tokens, news.user);
    } else {
      const current = await tokens.get();
      if (current && !isSame(current.sessionId, news.sessionId ?? undefined)) return;
      endedId = current?.sessionId;
      if (current) await store(null);
      signedOut(news.reason);
    }
    for (const listener of [...newsListeners]) listener();
  };

  /** Whether a token has replaced `stale`. `undefined`: `stale` is still the current one. */
  const replaced = async (stale: string | null): Promise<boolean | undefined> => {
    const current = await tokens.get();
    if (current) return current.accessToken === stale ? undefined : true;
    return stale === null && state.status === "loading" ? undefined : false;
  };

  /** One refresh, within a turn. `true`: there is a new token in place of `stale`. */
  const redeem = async (stale: string | null): Promise<boolean> => {
    // Another tab or process that had its turn before may have refreshed already.
    const before = await replaced(stale);
    if (before !== undefined) return before;
    const current = await tokens.get();
    if (!byCookie && current?.refreshToken === undefined) {
      await end("unknown", current);
      return false;
    }
    const askedAt = now();
    const result = await refresh(current);
    if ("ended" in result) {
      await end(result.ended, current);
      return false;
    }
    // Tokens that the app itself stored in the meantime take precedence.
    return (await replaced(stale)) ?? (await keep(result, askedAt));
  };

  /**
   * Gets a new access token, once for all callers that ask in the meantime. `false`: the session has ended.
   * Rejects when the server cannot be reached; the session then continues.
   */
  const renew = (stale: string | null): Promise<boolean> => {
    renewing ??= new Promise<boolean>((resolve, reject) => {
      // News of another tab's refresh ends the wait for this tab's turn.
      const hear = () => void replaced(stale).then((answer) => answer !== undefined && resolve(answer), reject);
      newsListeners.add(hear);
      turn(() => redeem(stale))
        .then(resolve, reject)
        .finally(() => newsListeners.delete(hear));
    }).finally(() => {
      renewing = undefined;
    });
    return renewing;
  };

  const prepare = async () => {
    const current = await tokens.get();
    follow(current);
    if (!current) {
      if (byCookie && state.status === "loading") {
        await renew(null).catch((error: unknown) => {
          if (state.status === "loading") become({ status: "loading", error });
          throw error;
        });
      }
      return;
    }
    const renewable = byCookie || current.refreshToken !== undefined;
    if (!renewable || current.refreshAt === undefined || now() < Math.max(current.refreshAt, refreshNotBefore)) return;
    // Ignore the failure: the token may still be valid, and the server refuses the call if it is not.
    await renew(current.accessToken).catch(() => {
      refreshNotBefore = now() + retryAheadMs;
    });
  };

  tabs?.listen((news) => void hear(news));
  tokens.subscribe?.(() => {
    if (changing === 0) void whenKnown(tokens.get(), follow);
  });
  if (!byCookie) void whenKnown(tokens.get(), follow);

  /** Prepares the tokens for a call. Rejects when it cannot find out whether a user is signed in. */
  const ready = (): Promise<void> => {
    preparing ??= prepare().finally(() => {
      preparing = undefined;
    });
    return preparing;
  };

  return {
    turn,
    ready,
    keep,
    keepDevice,
    end,
    tokens: () => tokens.get(),

    /** Gets a token in place of `stale`, which the server refused. `true`: there is one, so call again. */
    replace: async (stale: string): Promise<boolean> => (await replaced(stale)) ?? renew(stale),

    /** Who is signed in, if that is known. */
    userId: (): string | undefined => (state.status === "signedIn" ? state.user?.id : undefined),

    /** Updates the user after a later answer of the server. */
    updateUser(user: User) {
      if (state.status === "signedIn") become({ ...state, user });
    },

    /** The input of an operation that recognises the caller or the device. An operation that needs no device token drops it. */
    async transportedInput(input: Pick<LoginInput, "deviceToken">): Promise<object> {
      const kept = byCookie ? null : await tokens.device?.get();
      return { ...input, transport, deviceToken: input.deviceToken ?? kept ?? undefined };
    },

    async refreshInput(input: RefreshInput): Promise<RefreshInput> {
      if (byCookie || input.refreshToken !== undefined) return input;
      return { refreshToken: (await tokens.get())?.refreshToken };
    },

    view: {
      get: () => state,
      subscribe(listener) {
        listeners.add(listener);
        return () => {
          listeners.delete(listener);
        };
      },
      async restore() {
        if (state.status === "loading") await ready();
        return state;
      },
    } satisfies ClientSession as ClientSession,
  };
};

const isSame = (one: string | undefined, other: string | undefined) => one !== undefined && one === other;

/** Calls `use` with the value: synchronously when the store is. */
const whenKnown = <T>(value: T | Promise<T>, use: (value: T) => void) =>
  value instanceof Promise ? value.then(use, () => {}) : use(value);
