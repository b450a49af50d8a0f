// The addresses of the app's pages: each serves the app when it is opened or reloaded.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startAppServer } from "@app/server/testing";
import { expect, test } from "vitest";
import { ownPages } from "../src/pages.ts";

const html = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };

test("the build lists every page for the server", () => {
  const listed = JSON.parse(readFileSync(join(import.meta.dirname, "../dist/pages.json"), "utf8"));
  expect(listed).toEqual(ownPages.paths);
});

test("every page serves the app when it is reloaded", async () => {
  await using server = await startAppServer();
  const index = await (await fetch(server.url, { headers: html })).text();
  expect(index).toContain('<div id="root">');
  for (const path of ownPages.paths) {
    for (const address of [path.replace("/*?", ""), path.replace("*?", "further").replace(/:\w+/, "some-id")]) {
      const answer = await fetch(server.url + address, { headers: html });
      expect([address, answer.status, await answer.text()]).toEqual([address, 200, index]);
    }
  }
});
