// Every link in a mail opens a page of the web app.

import { paths } from "@lockstep/pages/paths";
import { expect, it } from "vitest";
import { startAppServer } from "../src/testing.ts";

it("mails link to pages of the web app only", async () => {
  await using server = await startAppServer();
  const get = async (url: string) => (await server.app.inject({ url, headers: { accept: "text/html" } })).body;
  const templates = [...(await get("/dev/mail")).matchAll(/href="(\/dev\/mail\/templates\/\w+)"/g)];
  const html = await Promise.all(templates.map(([, path]) => get(`${path}/html`)));
  const linked = new Set([...html.join().matchAll(/href="([^"]*)"/g)].map(([, address = ""]) => address));
  expect(linked.size).toBeGreaterThan(3);
  const pages: string[] = Object.values(paths);
  for (const address of linked) {
    const { origin, pathname } = new URL(address);
    expect([origin, pages.includes(pathname)], address).toEqual([server.config.publicUrl, true]);
  }
});
