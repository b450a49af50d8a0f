// The session in components that React renders on a server. The tests of the web app have it in a browser.

import { john, startTestServer } from "@lockstep/server/testing";
import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { describe, expect, it } from "vitest";
import { createClient } from "../src/index.ts";
import { SessionProvider, useSession } from "../src/react.ts";

const Status = () => createElement("p", null, useSession().status);

describe("useSession", () => {
  it("is `loading` while a server renders, so that hydration agrees", async () => {
    await using server = await startTestServer();
    const client = createClient({ url: server.url });
    await client.auth.login.mutate({ username: john.username, password: john.password });
    const page = renderToString(createElement(SessionProvider, { client }, createElement(Status)));
    expect(page).toBe("<p>loading</p>");
  });

  it("throws outside a provider", () => {
    expect(() => renderToString(createElement(Status))).toThrow("useSession needs a SessionProvider around it");
  });
});
