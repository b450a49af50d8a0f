// A page of our own app, as a browser runs it: a client with the cookie transport, and what became of its session.

import { createClient, sessionOf } from "@lockstep/client";

const reasons: string[] = [];
let aheadMs = 0;
const client = createClient({
  url: location.origin,
  transport: "cookie",
  now: () => Date.now() + aheadMs,
  onSignedOut: (reason) => reasons.push(reason),
});

/** What tests do with the page. */
const page = {
  client,
  reasons,
  restore: () => sessionOf(client).restore(),
  state: () => sessionOf(client).get(),
  name: async () => (await client.user.me.query()).username,
  advanceClock(seconds: number) {
    aheadMs += seconds * 1000;
  },
};
export type TestPage = typeof page;

Object.assign(globalThis, { page });
