// A page of a first-party client on an origin of its own. Its address says where the server is, and which transport to use.

import { createClient, errorOf, sessionOf, type Tokens } from "@lockstep/client";

const asked = new URLSearchParams(location.search);
const url = asked.get("server") ?? location.origin;
const transport = asked.get("transport") === "body" ? "body" : "cookie";
const reasons: string[] = [];
const events: string[] = [];
let aheadMs = 0;

const client = createClient({
  url,
  transport,
  now: () => Date.now() + aheadMs,
  onSignedOut: (reason) => reasons.push(reason),
  ...(transport === "body" && {
    tokens: {
      get: () => JSON.parse(localStorage.getItem("tokens") ?? "null") as Tokens | null,
      set: (tokens: Tokens | null) => localStorage.setItem("tokens", JSON.stringify(tokens)),
    },
  }),
});

/** "done", or why it failed. */
const outcome = async (path: "auth.login" | "auth.refresh", call: Promise<unknown>) =>
  call.then(
    () => "done",
    (error: unknown) => errorOf(path, error)?.code ?? String(error),
  );

/** What tests call in the page. */
const page = {
  reasons,
  events,
  state: () => sessionOf(client).get().status,
  restore: () => outcome("auth.refresh", sessionOf(client).restore()),
  signIn: (username: string, password: string) =>
    outcome("auth.login", client.auth.login.mutate({ username, password })),
  name: async () => (await client.user.me.query()).username,
  /** Two calls in one request. */
  batch: async () => (await Promise.all([client.user.me.query(), client.session.list.query()])).length,
  watch: () =>
    new Promise<void>((resolve) => {
      client.session.events.subscribe(undefined, {
        onStarted: () => resolve(),
        onData: ({ type }) => events.push(type),
      });
    }),
  signOut: async () => void (await client.auth.logout.mutate()),
  advanceClock(seconds: number) {
    aheadMs += seconds * 1000;
  },
  /** What a script gets from the server without our client: "blocked", or a status that it can read. */
  async attack(username: string, password: string): Promise<string[]> {
    const json = { "content-type": "application/json" };
    const login = JSON.stringify({ username, password });
    const attempts: [string, RequestInit][] = [
      ["user.me", {}],
      ["user.me", { credentials: "include" }],
      ["user.me", { headers: { authorization: "Bearer x" } }],
      ["auth.methods", {}],
      ["auth.refresh", { method: "POST", credentials: "include" }],
      ["auth.refresh", { method: "POST", credentials: "include", headers: json, body: "{}" }],
      ["auth.login", { method: "POST", headers: json, body: login }],
      ["auth.login", { method: "POST", credentials: "include", headers: json, body: login }],
      ["auth.login", { method: "POST", credentials: "include", body: login }],
    ];
    const outcomes = attempts.map(([path, init]) =>
      fetch(`${url}/trpc/${path}`, init).then(
        ({ status }) => `read ${status}`,
        () => "blocked",
      ),
    );
    // The page cannot read these answers, but they must not have an effect either.
    for (const path of ["auth.refresh", "auth.logout"])
      await fetch(`${url}/trpc/${path}`, { method: "POST", mode: "no-cors", credentials: "include" }).catch(() => {});
    return Promise.all(outcomes);
  },
};
export type OtherOriginPage = typeof page;

Object.assign(globalThis, { page });
