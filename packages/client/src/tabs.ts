// Owns what the tabs of one browser share: turns for changing their session, and news of its changes. Turns use Web
// Locks, or `election.ts` where there are none.

import type { SessionEndReason, User } from "@lockstep/kit";
import { withDeadline } from "./deadline.ts";
import { type Channel, electedTurns } from "./election.ts";
import type { Tokens } from "./tokens.ts";
import { createTurns, type TakeTurn } from "./turns.ts";

/** A message from one tab to the others. */
export type News =
  | { readonly type: "signed_in"; readonly tokens: Tokens; readonly user: User | null }
  | { readonly type: "ended"; readonly sessionId: string | null; readonly reason: SessionEndReason };

/** The tabs that share a session. */
export interface Tabs {
  /** Runs `task` while no other tab runs one. */
  readonly exclusive: TakeTurn;
  tell(news: News): void;
  listen(listener: (news: News) => void): void;
}

/** The parts of the platform that tabs need, declared here so that programs without DOM types can use the client. */
interface Locks {
  request(name: string, options: { readonly signal: AbortSignal }, task: () => Promise<void>): Promise<unknown>;
}
interface Platform {
  readonly document?: object;
  readonly navigator?: { readonly locks?: Locks };
  readonly BroadcastChannel?: new (name: string) => Channel;
}
const platform = globalThis as unknown as Platform; // each part is optional above, and checked before use

export interface TabsOptions {
  /** `null`: the browser has none. */
  readonly locks?: Locks | null;
  readonly createChannel?: (name: string) => Channel;
  /** How long a tab waits for the lock. */
  readonly lockWaitMs?: number;
}

/**
 * The browser can freeze the tab that has the lock. The others then go on without the lock, and the server's grace window
 * covers two refreshes at once.
 */
const longestLockWaitMs = 10_000;

/**
 * How long a turn lasts after its news was sent. Otherwise the next tab could get the lock before it gets the news, and
 * would refresh once more.
 */
const lingerMs = 100;

/** The tabs of this origin that use the server called `name`. `null` where a page cannot know of other tabs. */
export const browserTabs = (name: string, options: TabsOptions = {}): Tabs | null => {
  // Node has BroadcastChannel and locks, too. There they would connect unrelated users.
  const { BroadcastChannel: NewChannel } = platform.document ? platform : {};
  const createChannel = options.createChannel ?? (NewChannel && ((channel: string) => new NewChannel(channel)));
  if (!createChannel) return null;
  const { locks = platform.navigator?.locks ?? null, lockWaitMs = longestLockWaitMs } = options;
  const channel = createChannel(name);
  const elected = locks ? null : electedTurns(createChannel(`${name} turns`));
  const alone = createTurns();
  let newsSent = false;

  const take = async (turn: () => Promise<void>): Promise<void> => {
    if (elected) return elected(turn);
    let granted = false;
    try {
      await withDeadline(
        (signal) =>
          locks?.request(name, { signal }, () => {
            granted = true;
            return turn();
          }),
        lockWaitMs,
      );
    } catch (error) {
      // The wait was too long, or the page has no storage, such as one in a frame of another site.
      if (granted) throw error;
      await turn();
    }
  };

  return {
    exclusive: (task) =>
      new Promise((resolve, reject) => {
        // One turn at a time within this tab, so that `newsSent` belongs to this turn.
        const turn = async () => {
          newsSent = false;
          await task().then(resolve, reject);
          if (newsSent) await new Promise((done) => setTimeout(done, lingerMs));
        };
        alone(() => take(turn)).catch(reject);
      }),
    tell(news) {
      newsSent = true;
      channel.postMessage(news);
    },
    listen(listener) {
      channel.addEventListener("message", ({ data }) => listener(data as News));
    },
  };
};
