// Owns turns among tabs that can only talk. Whoever wants one says so and waits for an objection: from the
// holder, or from one who wants it too and comes first by name. It can fail when a tab is too slow to object;
// then two refresh at once, and the server's grace window gives both the same successor.

import type { TakeTurn } from "./turns.ts";

/** As much of a `BroadcastChannel` as is needed. */
export interface Channel {
  postMessage(message: unknown): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
}

type Message =
  | { readonly type: "want"; readonly from: string }
  | { readonly type: "held"; readonly to: string }
  | { readonly type: "released" };

/** How long an objection is waited for. */
const objectionMs = 100;

/** How long one who was refused waits for the end of the other's turn before asking again: the other may be gone. */
const patienceMs = 1000;

/** Turns among everybody on this channel. One task at a time may be given. */
export const electedTurns = (channel: Channel): TakeTurn => {
  const name = [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
  let wanting = false;
  let holding = false;
  let refused = false;
  let released = () => {};
  const post = (message: Message) => channel.postMessage(message);

  channel.addEventListener("message", (event) => {
    const data = event.data as Message;
    if (data.type === "released") released();
    if (data.type === "held" && data.to === name) refused = true;
    if (data.type === "want" && (holding || (wanting && name < data.from))) post({ type: "held", to: data.from });
    else if (data.type === "want") refused = true;
  });

  const elect = async () => {
    for (;;) {
      refused = false;
      wanting = true;
      post({ type: "want", from: name });
      await new Promise((done) => setTimeout(done, objectionMs));
      wanting = false;
      if (!refused) return;
      await new Promise<void>((done) => {
        const timer = setTimeout(done, patienceMs);
        released = () => {
          clearTimeout(timer);
          done();
        };
      });
    }
  };

  return async (task) => {
    await elect();
    holding = true;
    try {
      return await task();
    } finally {
      holding = false;
      post({ type: "released" });
    }
  };
};
