// Owns the session of one client: its tokens, when they are refreshed, and when it is over. How that takes part
// in each call: `session-link.ts`. Turns among tabs and processes: `tabs.ts` and the store's own `exclusive`.

import type { LoginInput, RefreshInput, SessionEndReason, User } from "@lockstep/kit";
import type { News, Tabs } from "./tabs.ts";
import { type IssuedTokens, type TokenStore, type Tokens, tokensOf, turnsAt } from "./tokens.ts";

/** Whether somebody is signed in. The same object until the next change. */
export type SessionState =
  /** Not known yet. `error`: why the last attempt to find out failed; the next call, or `restore`, tries again. */
  | { readonly status: "loading"; readonly error?: unknown }
  /** `user` and `sessionId` are absent while nothing told them: the tokens were found in a store, say. */
  | { readonly status: "signedIn"; readonly user?: User; readonly sessionId?: string }
  /** `reason` is `null` for somebody who was not signed in to begin with. */
  | { readonly status: "signedOut"; readonly reason: SessionEndReason | null };

/** The session of a client, to look at. `get` and `subscribe` fit React's `useSyncExternalStore`. */
export interface ClientSession {
  get(): SessionState;
  /** Calls `listener` after each change; the returned function ends that. */
  subscribe(listener: () => void): () => void;
  /**
   * Finds out whether somebody is signed in, if that is not known yet: from the store, or by the browser's cookie.
   * Calls do so by themselves. Rejects when the server could not be asked; nobody is signed out by that.
   */
  restore(): Promise<SessionState>;
}

export interface SessionOptions {
  readonly tokens: TokenStore;
  readonly transport: "body" | "cookie";
  readonly tabs: Tabs | null;
  /** Asks for the next tokens. Rejects when the server could not be asked, which ends nothing. */
  readonly refresh: (held: Tokens | null) => Promise<Issued | Ended>;
  readonly now: () => number;
  readonly onSignedOut: ((reason: SessionEndReason) => void) | undefined;
}

/** What a sign-in or a refresh brings. */
export interface Issued extends IssuedTokens {
  readonly user?: User | null;
  readonly deviceToken?: string | undefined;
}

/** What a refresh is answered with when the session is over. */
export interface Ended {
  readonly ended: SessionEndReason;
}

export type Session = ReturnType<typeof createSession>;

/** After a refresh ahead of time that failed, the token at hand is used for this long before the next attempt. */
const retryAheadMs = 5_000;

export const createSession = ({ tokens, transport, tabs, refresh, now, onSignedOut }: SessionOptions) => {
  const byCookie = transport === "cookie";
  const turn = tabs?.exclusive ?? turnsAt(tokens);
  const listeners = new Set<() => void>();
  let state: SessionState = { status: "loading" };
  /** The store's own news of a change that was made here is none. */
  let changing = 0;
  /** No later news brings a session back that has ended. */
  let endedId: string | undefined;
  let preparing: Promise<void> | undefined;
  let renewing: Promise<boolean> | undefined;
  let aheadFrom = Number.NEGATIVE_INFINITY;
  /** Called with each change of the tokens that another tab made. */
  const awaitingNews = new Set<() => void>();

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
    // Somebody who came without a session loses none.
    const stranger = before.status === "loading" && reason === "unknown";
    become({ status: "signedOut", reason: stranger ? null : reason });
    if (!stranger) onSignedOut?.(reason);
  };

  /** Makes the state follow what the store holds, which others may have changed. */
  const follow = (held: Tokens | null) => {
    if (held) {
      if (state.status !== "signedIn" || state.sessionId !== held.sessionId) signedIn(held);
    } else if (state.status === "signedIn") signedOut("signed_out");
    else if (state.status === "loading" && !byCookie) become({ status: "signedOut", reason: null });
  };

  /** Keeps what a sign-in or a refresh was answered with. `false`: that session has ended meanwhile. */
  const keep = async ({ user = null, deviceToken, ...issued }: Issued, askedAt: number): Promise<boolean> => {
    if (isSame(issued.sessionId, endedId)) return false;
    const { refreshToken: _, ...inMemory } = issued;
    const next = tokensOf(byCookie ? inMemory : issued, askedAt);
    await store(next);
    if (deviceToken !== undefined) await tokens.device?.set(deviceToken);
    aheadFrom = Number.NEGATIVE_INFINITY;
    signedIn(next, user);
    tabs?.tell({ type: "signed_in", tokens: next, user });
    return true;
  };

  /** The session is over, unless the one that `of` belonged to was followed by another. */
  const end = async (reason: SessionEndReason, of: Tokens | null) => {
    const held = await tokens.get();
    const same = !of || !held || held.accessToken === of.accessToken || isSame(held.sessionId, of.sessionId);
    if (!same) return;
    const sessionId = held?.sessionId ?? of?.sessionId;
    endedId = sessionId;
    if (held) await store(null);
    signedOut(reason);
    tabs?.tell({ type: "ended", sessionId: sessionId ?? null, reason });
  };

  const hear = async (news: News) => {
    if (news.type === "signed_in") {
      if (news.tokens.sessionId === endedId) return;
      await store(news.tokens);
      signedIn(news.tokens, news.user);
    } else {
      const held = await tokens.get();
      if (held && !isSame(held.sessionId, news.sessionId ?? undefined)) return;
      endedId = held?.sessionId;
      if (held) await store(null);
      signedOut(news.reason);
    }
    for (const heard of [...awaitingNews]) heard();
  };

  /** Whether there is a token in the place of `stale`; `undefined` when `stale` is what there is. */
  const replaced = async (stale: string | null): Promise<boolean | undefined> => {
    const held = await tokens.get();
    if (held) return held.accessToken === stale ? undefined : true;
    return stale === null && state.status === "loading" ? undefined : false;
  };

  /** One refresh, in this client's turn. `true`: there is a token in the place of `stale`. */
  const redeem = async (stale: string | null): Promise<boolean> => {
    // Somebody else had their turn first: what they got is ours too.
    const before = await replaced(stale);
    if (before !== undefined) return before;
    const held = await tokens.get();
    if (!byCookie && held?.refreshToken === undefined) {
      await end("unknown", held);
      return false;
    }
    const askedAt = now();
    const result = await refresh(held);
    if ("ended" in result) {
      await end(result.ended, held);
      return false;
    }
    // What the app itself put there while this was on its way counts.
    return (await replaced(stale)) ?? (await keep(result, askedAt));
  };

  /**
   * The next access token, for everybody who asks meanwhile. `false`: the session has ended.
   * Rejects when the server could not be asked, which ends nothing.
   */
  const renew = (stale: string | null): Promise<boolean> => {
    renewing ??= new Promise<boolean>((resolve, reject) => {
      // A tab that is told what it waits for need not wait for its turn.
      const heard = () => void replaced(stale).then((answer) => answer !== undefined && resolve(answer), reject);
      awaitingNews.add(heard);
      turn(() => redeem(stale))
        .then(resolve, reject)
        .finally(() => awaitingNews.delete(heard));
    }).finally(() => {
      renewing = undefined;
    });
    return renewing;
  };

  const prepare = async () => {
    const held = await tokens.get();
    follow(held);
    if (!held) {
      if (byCookie && state.status === "loading") {
        await renew(null).catch((error: unknown) => {
          if (state.status === "loading") become({ status: "loading", error });
          throw error;
        });
      }
      return;
    }
    const renewable = byCookie || held.refreshToken !== undefined;
    if (!renewable || held.refreshAt === undefined || now() < held.refreshAt || now() < aheadFrom) return;
    // The token may still do, and by the server's clock it may not even be old: the answer to the call decides.
    await renew(held.accessToken).catch(() => {
      aheadFrom = now() + retryAheadMs;
    });
  };

  tabs?.listen((news) => void hear(news));
  tokens.subscribe?.(() => {
    if (changing === 0) void whenKnown(tokens.get(), follow);
  });
  if (!byCookie) void whenKnown(tokens.get(), follow);

  /** Brings the tokens up to date before a call. Rejects when it is not known whether anybody is signed in. */
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
    end,
    held: () => tokens.get(),

    /** After `stale` was refused. `true`: call again, there is a token in its place. */
    replace: async (stale: string): Promise<boolean> => (await replaced(stale)) ?? renew(stale),

    /** Who is signed in, as far as anything told. */
    userId: (): string | undefined => (state.status === "signedIn" ? state.user?.id : undefined),

    /** What the server said of the user, later than at sign-in. */
    know(user: User) {
      if (state.status === "signedIn") become({ ...state, user });
    },

    async loginInput(input: LoginInput): Promise<LoginInput> {
      if (byCookie) return { ...input, transport };
      const deviceToken = input.deviceToken ?? (await tokens.device?.get()) ?? undefined;
      return { ...input, transport, ...(deviceToken !== undefined && { deviceToken }) };
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

/** At once when the store answers at once. */
const whenKnown = <T>(value: T | Promise<T>, use: (value: T) => void) =>
  value instanceof Promise ? value.then(use, () => {}) : use(value);
