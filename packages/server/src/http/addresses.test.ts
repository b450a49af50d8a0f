import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RestRoute } from "@lockstep/kit";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { anyone, query } from "../../test/words.ts";
import { fixtureApp } from "../fixture-app.ts";
import { createServer } from "../server.ts";
import { StartError } from "../start-error.ts";
import { testConfig } from "../testing.ts";
import { assertAddressesDiffer, readPages } from "./addresses.ts";

const operation = (rest: RestRoute) => query({ summary: "Read", access: anyone, rest, output: z.object({}) });
const note = (path: RestRoute["path"], method: RestRoute["method"] = "GET") => ({
  note: { list: operation({ method, path }) },
});

const none = { own: [], pages: [] };

/** It need not exist: the sources are found beside it. */

describe("URLs", () => {
  it.each([
    ["/notes", "/notes"],
    ["/notes/{noteId}", "/notes/:id"],
    ["/notes/{noteId}", "/notes/new"],
    ["/notes/export", "/notes/*?"],
    ["/notes", "/notes/*?"],
    ["/Notes", "/notes"],
  ] as const)("refuse the REST path %s beside the page %s, in one sentence that says what to do", (path, page) => {
    expect(() => assertAddressesDiffer({ ...none, operations: note(path), pages: [page] })).toThrow(
      new StartError(
        `The REST path GET ${path} of \`note.list\` is also an address of the web app's page \`${page}\`. Give the operation another path, such as /api${path}, or move the page.`,
      ),
    );
  });

  it("of pages cannot be REST paths with any method, since the path answers others with 405", () => {
    expect(() => assertAddressesDiffer({ ...none, operations: note("/notes", "POST"), pages: ["/notes"] })).toThrow(
      StartError,
    );
  });

  it.each([
    ["/notes", "/"],
    ["/notes", "/notebooks"],
    ["/notes/{noteId}", "/notes"],
    ["/api/notes", "/notes/*?"],
  ] as const)("allow the REST path %s beside the page %s", (path, page) => {
    expect(() => assertAddressesDiffer({ ...none, operations: note(path), pages: [page] })).not.toThrow();
  });

  it("of the server itself cannot be REST paths or pages", () => {
    expect(() =>
      assertAddressesDiffer({ ...none, operations: note("/login/{name}"), own: ["/login/:provider"] }),
    ).toThrow(
      "The REST path GET /login/{name} of `note.list` is also the server's own address `/login/:provider`. Give the operation another path, such as /api/login/{name}.",
    );
    expect(() => assertAddressesDiffer({ operations: {}, own: ["/docs"], pages: ["/docs"] })).toThrow(
      "The web app's page `/docs` is also the server's own address `/docs`. Move the page to another address.",
    );
  });

  it("of two operations must not be the same, whatever their parameters are called", () => {
    const read = operation({ method: "GET", path: "/notes/{id}" });
    const other = operation({ method: "GET", path: "/notes/{noteId}" });
    expect(() => assertAddressesDiffer({ ...none, operations: { note: { read, other } } })).toThrow(
      "The REST path GET /notes/{noteId} of `note.other` is also that of `note.read`. Give one of them another path.",
    );
    const change = operation({ method: "PATCH", path: "/notes/{id}" });
    expect(() => assertAddressesDiffer({ ...none, operations: { note: { read, change } } })).not.toThrow();
  });

  it.each(["/notes/{noteId}", "/Notes/{id}", "/notes/{id}/"] as const)(
    "of two operations with one path must be spelled alike: /notes/{id} and %s",
    (path) => {
      const read = operation({ method: "GET", path: "/notes/{id}" });
      const change = operation({ method: "PATCH", path });
      expect(() => assertAddressesDiffer({ ...none, operations: { note: { read, change } } })).toThrow(
        `The REST path PATCH ${path} of \`note.change\` is that of \`note.read\` in another spelling. Write /notes/{id} in both.`,
      );
    },
  );

  it("are compared at start: a web app with a page at /users/me prevents the server from starting", async () => {
    const directory = await mkdtemp(join(tmpdir(), "lockstep-"));
    try {
      await writeFile(join(directory, "index.html"), "<!doctype html>");
      const config = testConfig(`file:${join(directory, "test.db")}`);
      const start = async (...pages: string[]) => {
        await writeFile(join(directory, "pages.json"), JSON.stringify(pages));
        const server = await createServer({ app: fixtureApp, config, webDirectory: directory });
        await server.close();
      };
      await start("/", "/users");
      await expect(start("/", "/users/me")).rejects.toThrow("The REST path GET /users/me of `user.me` is also");
      await expect(start("/", "/token")).rejects.toThrow("is also the server's own address `/token`");
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it("of pages are read from the web app's sources in development, and otherwise from its build", async () => {
    const root = await mkdtemp(join(tmpdir(), "lockstep-"));
    const directory = join(root, "dist");
    try {
      await mkdir(directory);
      await writeFile(join(directory, "pages.json"), '["/built"]');
      await mkdir(join(root, "src"));
      await writeFile(join(root, "src/pages.ts"), 'export const ownPages = { paths: ["/source"] };');
      expect(await readPages({ directory, devUrl: null })).toEqual(["/built"]);
      expect(await readPages({ directory, devUrl: "http://127.0.0.1:9" })).toEqual(["/source"]);
      expect(await readPages({ directory: null, devUrl: null })).toEqual([]);
    } finally {
      await rm(root, { recursive: true });
    }
  });
});
