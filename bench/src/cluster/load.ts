// Owns the users of the demo: each has a client of the client package, reads, refreshes and writes notes, and repeats what
// was not answered. A note whose answer was lost is looked for before it is written again.

import type { Contract } from "@app/contract";
import { createClient } from "@lockstep/client";
import { john } from "@lockstep/server/testing";

const longestTries = 40;
const pauseMs = 100;

export interface Counts {
  answered: number;
  /** Answered at a later try. */
  retried: number;
  /** Never answered, or acknowledged and not there. */
  lost: number;
}

export const createLoad = (url: string, report: (problem: string) => void) => {
  const counts: Counts = { answered: 0, retried: 0, lost: 0 };
  let over = false;

  const wait = () => new Promise((resolve) => setTimeout(resolve, pauseMs));

  /** Calls until it is answered. */
  const call = async <T>(name: string, attempt: (tries: number) => Promise<T>): Promise<T> => {
    for (let tries = 0; ; tries++) {
      try {
        const answer = await attempt(tries);
        counts[tries === 0 ? "answered" : "retried"]++;
        return answer;
      } catch (error) {
        if (tries < longestTries) {
          await wait();
          continue;
        }
        counts.lost++;
        report(`${name} was never answered: ${error}`);
        throw error;
      }
    }
  };

  const beUser = async (user: number): Promise<void> => {
    const client = createClient<Contract>({ url });
    await call("auth.login", () => client.auth.login.mutate({ username: john.username, password: john.password }));
    const written: string[] = [];
    const newest = () => client.note.list.query({ limit: 100 });
    for (let n = 0; !over; n++) {
      await call("user.me", () => client.user.me.query());
      const text = `Note ${n} of ${user}`;
      await call("note.create", async (tries) => {
        const exists = tries > 0 && (await newest()).notes.some((note) => note.text === text);
        if (!exists) await client.note.create.mutate({ text });
      });
      written.push(text);
      if (n % 10 === 9) await call("auth.refresh", () => client.auth.refresh.mutate({}));
    }
    const found = new Set<string>();
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const from = cursor;
      const page = await call("note.list", () =>
        client.note.list.query({ limit: 100, ...(from !== undefined && { cursor: from }) }),
      );
      for (const { text } of page.notes) found.add(text);
      cursor = page.nextCursor;
    }
    const missing = written.filter((text) => !found.has(text));
    counts.lost += missing.length;
    for (const text of missing) report(`"${text}" was acknowledged, and is not there`);
    await call("auth.logout", () => client.auth.logout.mutate());
  };

  return {
    counts,
    /** Resolves when all users have checked what they wrote. */
    async run(users: number, ended: Promise<unknown>): Promise<void> {
      void ended.finally(() => {
        over = true;
      });
      // One whose call was never answered gives up: it is counted.
      await Promise.all(Array.from({ length: users }, (_, user) => beUser(user).catch(() => {})));
    },
  };
};
