// The session as a store, with Svelte's own functions for stores.

import { john, startTestServer } from "@lockstep/server/testing";
import { derived, get, readonly } from "svelte/store";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createClient } from "../src/index.ts";
import { sessionStore } from "../src/svelte.ts";

const credentials = { username: john.username, password: john.password };

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("sessionStore", () => {
  it("is `loading` while a server renders, so that hydration agrees", async () => {
    await using server = await startTestServer();
    const client = createClient({ url: server.url });
    await client.auth.login.mutate(credentials);
    expect(get(sessionStore(client))).toEqual({ status: "loading" });
  });

  it("tells a derived store of each change, until that has no subscriber", async () => {
    vi.stubGlobal("window", globalThis);
    await using server = await startTestServer();
    const client = createClient({ url: server.url });
    const name = derived(readonly(sessionStore(client)), (session) =>
      session.status === "signedIn" ? session.user?.username : session.status,
    );
    const seen: unknown[] = [];
    const stop = name.subscribe((value) => seen.push(value));
    await client.auth.login.mutate(credentials);
    expect(seen).toEqual(["signedOut", john.username]);
    stop();
    await client.auth.logout.mutate();
    expect(seen).toHaveLength(2);
    expect(get(name)).toBe("signedOut");
  });

  it("restores the session with its first subscriber", async () => {
    vi.stubGlobal("window", globalThis);
    await using server = await startTestServer();
    const paths: string[] = [];
    const client = createClient({
      url: server.url,
      transport: "cookie",
      fetch: (input, init) => {
        paths.push(new URL(String(input)).pathname);
        return fetch(input, init);
      },
      tabs: null,
    });
    const states: string[] = [];
    const signedOut = Promise.withResolvers<void>();
    sessionStore(client).subscribe(({ status }) => {
      states.push(status);
      if (status === "signedOut") signedOut.resolve();
    });
    await signedOut.promise;
    expect(states).toEqual(["loading", "signedOut"]);
    expect(paths).toEqual(["/trpc/auth.refresh"]);
  });
});
