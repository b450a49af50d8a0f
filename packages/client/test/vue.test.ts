// The session in components of Vue: rendered by a server, and mounted with a renderer of our own, which needs no browser.

import { john, startTestServer } from "@lockstep/server/testing";
import { describe, expect, inject, it, vi } from "vitest";
import { createRenderer, createSSRApp, effectScope, h } from "vue";
import { renderToString } from "vue/server-renderer";
import { createClient } from "../src/index.ts";
import { useSession } from "../src/vue.ts";

interface Element {
  text: string;
}

const { createApp } = createRenderer<Element, Element>({
  createElement: () => ({ text: "" }),
  createText: (text) => ({ text }),
  createComment: (text) => ({ text }),
  setText: (node, text) => Object.assign(node, { text }),
  setElementText: (node, text) => Object.assign(node, { text }),
  insert: () => {},
  remove: () => {},
  patchProp: () => {},
  parentNode: () => null,
  nextSibling: () => null,
});

/** A component that writes the session into `seen`. */
const page = (client: object, seen: string[] = []) => ({
  setup: () => {
    const session = useSession(client);
    return () => {
      const { status } = session.value;
      seen.push(session.value.status === "signedIn" ? (session.value.user?.username ?? status) : status);
      return h("p", seen.at(-1));
    };
  },
});

const credentials = { username: john.username, password: john.password };

describe("useSession", () => {
  it("is `loading` while a server renders, so that hydration agrees", async () => {
    await using server = await startTestServer();
    const client = createClient({ url: server.url });
    await client.auth.login.mutate(credentials);
    expect(await renderToString(createSSRApp(page(client)))).toBe("<p>loading</p>");
  });

  it("renders each change of the session, until the component is unmounted", async () => {
    await using server = await startTestServer();
    const client = createClient({ url: server.url });
    const seen: string[] = [];
    const sees = (expected: readonly string[]) =>
      vi.waitFor(() => expect(seen).toEqual(expected), { timeout: inject("patienceMs") });
    const app = createApp(page(client, seen));
    app.mount({ text: "" });
    await sees(["loading", "signedOut"]);
    await client.auth.login.mutate(credentials);
    await sees(["loading", "signedOut", john.username]);
    app.unmount();
    await client.auth.logout.mutate();
    expect(seen).toHaveLength(3);
  });

  it("follows the session in an effect scope, until that is stopped", async () => {
    await using server = await startTestServer();
    const client = createClient({ url: server.url });
    const scope = effectScope();
    const session = scope.run(() => useSession(client));
    expect(session?.value).toEqual({ status: "signedOut", reason: null });
    scope.stop();
    await client.auth.login.mutate(credentials);
    expect(session?.value.status).toBe("signedOut");
  });
});
