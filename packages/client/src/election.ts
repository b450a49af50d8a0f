// Owns turns among tabs that can only send messages, for pages without Web Locks: plain http from another machine, and
// browsers from before March 2022.
//
// The server's grace window does not replace it. Answers to refreshes that overlap can arrive in another order than
// they were made, and then the browser keeps an older cookie, which counts as stolen after the window (decision 20).
// When a tab is too slow to object, two tabs refresh at once; the grace window covers that.

import type { TakeTurn } from "./turns.ts";

/** The parts of a `BroadcastChannel` that are needed. */
export interface Channel {
  postMessage(message: unknown): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
}

type Message =
  /** Requests a turn. */
  | { readonly type: "want"; readonly from: string }
  /** Refuses a turn: the sender has it, or also requested it and its name comes first. */
  | { readonly type: "object"; readonly to: string }
  /** Ends the sender's turn. */
  | { readonly type: "released" };

/** How long a tab waits for objections before it takes its turn. */
const objectionMs = 100;

/** How long a refused tab waits for the end of the other's turn before it asks again. The other tab may be gone. */
const patienceMs = 1000;

/** Turns among all tabs on this channel. Each tab may ask for one turn at a time. */
export const electedTurns = (channel: Channel): TakeTurn => {
  const name = [...crypto.getRandomValues(new Uint8Array(16))].join(".");
  let state: "idle" | "asking" | "inTurn" = "idle";
  let refused = false;
  let onReleased = () => {};
  const post = (message: Message) => channel.postMessage(message);

  channel.addEventListener("message", (event) => {
    const message = event.data as Message;
    switch (message.type) {
      case "released":
        return onReleased();
      case "object":
        if (message.to === name) refused = true;
        return;
      case "want":
        if (state === "inTurn" || (state === "asking" && name < message.from))
          return post({ type: "object", to: message.from });
        refused = true;
    }
  });

  const waitForRelease = () =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, patienceMs);
      onReleased = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  const elect = async () => {
    for (;;) {
      refused = false;
      state = "asking";
      post({ type: "want", from: name });
      await new Promise((resolve) => setTimeout(resolve, objectionMs));
      if (!refused) return;
      state = "idle";
      await waitForRelease();
    }
  };

  return async (task) => {
    await elect();
    state = "inTurn";
    try {
      return await task();
    } finally {
      state = "idle";
      post({ type: "released" });
    }
  };
};
