// Owns what the tabs of one browser have in common: their turns at the session's cookie, and the news of it.
// Turns are Web Locks; where a browser has none (a page over plain http), an election: `election.ts`.

import type { SessionEndReason, User } from "@lockstep/kit";
import { type Channel, electedTurns } from "./election.ts";
import type { Tokens } from "./tokens.ts";
import { createTurns, type TakeTurn } from "./turns.ts";

/** What one tab tells the others. */
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

/** As much of the platform as tabs need, written out so that programs without its types can use the client. */
interface Locks {
  request(name: string, task: () => Promise<void>): Promise<unknown>;
}
interface Platform {
  readonly document?: object;
  readonly navigator?: { readonly locks?: Locks };
  readonly BroadcastChannel?: new (name: string) => Channel;
}
const platform = globalThis as unknown as Platform; // each part is optional above, and looked at before use

export interface TabsOptions {
  /** `null`: there are none. */
  readonly locks?: Locks | null;
  readonly createChannel?: (name: string) => Channel;
}

/**
 * How long a turn lasts beyond its news: a lock can change hands before the news of what was done under it has
 * arrived, and whoever has the lock next would do it again.
 */
const lingerMs = 100;

/** The tabs of this origin that use the server called `name`; `null` where a page knows of no other. */
export const browserTabs = (name: string, options: TabsOptions = {}): Tabs | null => {
  // Node has channels and locks of its own, between people who have nothing to do with one another.
  const { BroadcastChannel: NewChannel } = platform.document ? platform : {};
  const createChannel = options.createChannel ?? (NewChannel && ((channel: string) => new NewChannel(channel)));
  if (!createChannel) return null;
  const { locks = platform.navigator?.locks ?? null } = options;
  const channel = createChannel(name);
  const elected = locks ? null : electedTurns(createChannel(`${name} turns`));
  const alone = createTurns();
  let told = false;

  const take = async (turn: () => Promise<void>): Promise<void> => {
    if (elected) return elected(turn);
    let granted = false;
    try {
      await locks?.request(name, () => {
        granted = true;
        return turn();
      });
    } catch (error) {
      // Refused to a page without storage, such as one in a frame of another site.
      if (granted) throw error;
      await turn();
    }
  };

  return {
    exclusive: (task) =>
      new Promise((resolve, reject) => {
        // Within this tab one at a time, so that `told` is of this turn.
        const turn = async () => {
          told = false;
          await task().then(resolve, reject);
          if (told) await new Promise((done) => setTimeout(done, lingerMs));
        };
        alone(() => take(turn)).catch(reject);
      }),
    tell(news) {
      told = true;
      channel.postMessage(news);
    },
    listen(listener) {
      channel.addEventListener("message", ({ data }) => listener(data as News));
    },
  };
};
