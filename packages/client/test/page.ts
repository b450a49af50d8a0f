// A page of a first-party client: the cookie transport, and the ends of its sessions.

import { createClient, sessionOf } from "@lockstep/client";

const reasons: string[] = [];
let aheadMs = 0;
const client = createClient({
  url: location.origin,
  transport: "cookie",
  now: () => Date.now() + aheadMs,
  onSignedOut: (reason) => reasons.push(reason),
});

/** What tests call in the page. */
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
