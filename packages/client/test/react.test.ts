// What components are told of the session, as React renders them on a server; in a browser the web app shows it.

import { john, startTestServer } from "@lockstep/server/testing";
import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { describe, expect, it } from "vitest";
import { createClient } from "../src/index.ts";
import { SessionProvider, useSession } from "../src/react.ts";

const Status = () => createElement("p", null, useSession().status);

describe("useSession", () => {
  it("knows nobody while a server renders, so that a page and its first render agree", async () => {
    await using server = await startTestServer();
    const client = createClient({ url: server.url });
    await client.auth.login.mutate({ username: john.username, password: john.password });
    const page = renderToString(createElement(SessionProvider, { client }, createElement(Status)));
    expect(page).toBe("<p>loading</p>");
  });

  it("says that it needs a provider", () => {
    expect(() => renderToString(createElement(Status))).toThrow("useSession needs a SessionProvider around it");
  });
});
