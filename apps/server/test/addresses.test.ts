import { expect, it } from "vitest";
import { startAppServer } from "../src/testing.ts";

it("the app starts: no REST path of its contract is also a page of the web app's sources", async () => {
  // In development the list of pages comes from the sources.
  await using server = await startAppServer({ config: { webDevUrl: "http://127.0.0.1:9" } });
  expect((await fetch(`${server.url}/users/me`)).status).toBe(401);
});
