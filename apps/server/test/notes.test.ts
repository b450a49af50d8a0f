// Notes over RPC and REST, on both engines: what their owner can do, and what others cannot.

import type { Contract } from "@app/contract";
import type { Note } from "@app/contract/notes";
import { type Client, createClient, errorReader, memoryTokens } from "@lockstep/client";
import { engines } from "@lockstep/server/engines";
import { grantedToken, signInAs, testClock, testSource } from "@lockstep/server/testing";
import { describe, expect, expectTypeOf, it } from "vitest";
import { signedInClient, startAppServer } from "../src/testing.ts";

const errorOf = errorReader<Contract>();

describe.each(engines)("notes on $engine", ({ newDatabase }) => {
  /** A server with the users john and jane, each signed in to a first-party client. */
  const start = async () => {
    const database = await newDatabase();
    const clock = testClock();
    const server = await startAppServer({ databaseUrl: database.url, now: clock.now });
    const signIn = async (username: string) => {
      const { user, client, accessToken } = await signedInClient(server, username);
      /** A call over REST, and its answer. */
      const rest = async (method: string, path: string, body?: unknown, token = accessToken) => {
        const response = await fetch(server.url + path, {
          method,
          headers: {
            authorization: `Bearer ${token}`,
            ...(body !== undefined && { "content-type": "application/json" }),
          },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        });
        const answered = (await response.json()) as Partial<Note & { notes: Note[]; nextCursor: string | null }>;
        return { status: response.status, headers: response.headers, body: answered };
      };
      return { user, client, rest };
    };
    return {
      server,
      clock,
      john: await signIn("john"),
      jane: await signIn("jane"),
      async [Symbol.asyncDispose]() {
        await server.close();
        await database.drop();
      },
    };
  };

  it("are listed newest first, and only to the user who added them", async () => {
    await using world = await start();
    const { clock, john } = world;
    const first = await john.client.note.create.mutate({ text: "Water the plants" });
    clock.advanceSeconds(1);
    const second = await john.client.note.create.mutate({ text: "Feed\nthe cat 🐈 " });
    expect(first).toEqual({ id: expect.any(String), text: "Water the plants", createdAt: clock.now() - 1000 });
    expect(second.text).toBe("Feed\nthe cat 🐈 ");
    expect(await john.client.note.list.query({})).toEqual({ notes: [second, first], nextCursor: null });
  });

  it("are listed in pages without gaps or repeats, while notes of the same millisecond are added and deleted", async () => {
    await using world = await start();
    const { clock, john } = world;
    const texts = ["1", "2", "3", "4", "5", "6", "7"];
    for (const text of texts) {
      await john.client.note.create.mutate({ text });
      if (text === "4") clock.advanceSeconds(1); // the others share a moment
    }
    const listed: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await john.client.note.list.query({ limit: 2, ...(cursor !== undefined && { cursor }) });
      expect(page.notes.length).toBeLessThanOrEqual(2);
      listed.push(...page.notes.map(({ text }) => text));
      cursor = page.nextCursor ?? undefined;
      // The note that the cursor names is deleted, and a newer one is added.
      await john.client.note.delete.mutate({ noteId: page.notes.at(-1)?.id ?? "" });
      clock.advanceSeconds(1);
      await john.client.note.create.mutate({ text: "newer" });
    } while (cursor !== undefined);
    expect(listed.toSorted()).toEqual(texts);
    expect(listed.slice(0, 3).toSorted()).toEqual(["5", "6", "7"]);
  });

  it("can be read, added and deleted over REST below /api", async () => {
    await using world = await start();
    const { john } = world;
    const { status, body: note } = await john.rest("POST", "/api/notes", { text: "Water the plants" });
    expect(status).toBe(200);
    await john.rest("POST", "/api/notes", { text: "Feed the cat" });
    const page = await john.rest("GET", "/api/notes?limit=1");
    expect(page.body).toMatchObject({ notes: [{ id: expect.any(String) }], nextCursor: expect.any(String) });
    const rest = await john.rest("GET", `/api/notes?limit=1&cursor=${page.body.nextCursor}`);
    expect(rest.body.nextCursor).toBeNull();
    expect(await john.rest("DELETE", `/api/notes/${note.id}`)).toMatchObject({ status: 200, body: {} });
    expect((await john.rest("GET", "/api/notes")).body.notes).toHaveLength(1);
    expect(await john.rest("DELETE", `/api/notes/${note.id}`)).toMatchObject({
      status: 404,
      body: { code: "NOTE_NOT_FOUND", title: "There is no such note." },
    });
  });

  it("of another user can be neither read nor deleted, whatever the scopes [S51]", async () => {
    await using world = await start();
    const { server, john, jane } = world;
    const note = await john.client.note.create.mutate({ text: "A secret of John" });
    expect(await jane.client.note.list.query({})).toEqual({ notes: [], nextCursor: null });
    // A cursor is a position in a list. It gives no access to it.
    const place = `${note.createdAt + 1}.${note.id}`;
    expect(await jane.client.note.list.query({ cursor: place })).toEqual({ notes: [], nextCursor: null });
    const refusal = await jane.client.note.delete.mutate({ noteId: note.id }).catch((error: unknown) => error);
    expect(errorOf("note.delete", refusal)).toMatchObject({ code: "NOTE_NOT_FOUND", httpStatus: 404 });
    const { accessToken } = await grantedToken(server, jane.user.id, ["notes:read", "notes:write"]);
    for (const token of [undefined, accessToken]) {
      expect(await jane.rest("GET", "/api/notes", undefined, token)).toMatchObject({ body: { notes: [] } });
      expect(await jane.rest("DELETE", `/api/notes/${note.id}`, undefined, token)).toMatchObject({ status: 404 });
    }
    expect(await john.client.note.list.query({})).toMatchObject({ notes: [note] });
  });

  it("are refused when they are empty or too long, with a message for the field", async () => {
    await using world = await start();
    const { john } = world;
    const issuesOf = async (text: string) => {
      const error = errorOf("note.create", await john.client.note.create.mutate({ text }).catch((thrown) => thrown));
      return error?.code === "INVALID_INPUT" ? error.details.issues : error;
    };
    expect(await issuesOf("")).toEqual([{ path: ["text"], message: "Write something" }]);
    expect(await issuesOf(" \n\t ")).toEqual([{ path: ["text"], message: "Write something" }]);
    expect(await issuesOf("x".repeat(10_001))).toMatchObject([{ path: ["text"] }]);
    expect(await issuesOf("a\0b")).toMatchObject([{ path: ["text"], message: "Must be plain text" }]);
    expect((await john.client.note.create.mutate({ text: "x".repeat(10_000) })).text).toHaveLength(10_000);
  });

  it.each([
    ["cursor", "cursor=x"],
    ["cursor", "cursor=1.a';--"],
    ["limit", "limit=0"],
    ["limit", "limit=101"],
    ["limit", "limit=1.5"],
    ["limit", "limit=all"],
  ])("answer 400 to a list with an invalid %s: %s", async (name, query) => {
    await using world = await start();
    const { john } = world;
    expect(await john.rest("GET", `/api/notes?${query}`)).toMatchObject({
      status: 400,
      body: { code: "INVALID_INPUT", issues: [{ path: [name] }] },
    });
  });

  it("can be read by a client with the scope; others get 403 with a challenge that names it [S38]", async () => {
    await using world = await start();
    const { server, john } = world;
    const note = await john.client.note.create.mutate({ text: "Water the plants" });
    const { accessToken } = await grantedToken(server, john.user.id, ["notes:read"]);
    const photos = createClient<Contract, "notes:read">({ url: server.url, tokens: memoryTokens({ accessToken }) });
    expect(await photos.note.list.query({})).toMatchObject({ notes: [note] });

    const refused = { status: 403, body: { code: "INSUFFICIENT_SCOPE", scopes: ["notes:write"] } };
    for (const answer of [
      await john.rest("POST", "/api/notes", { text: "Added by a client" }, accessToken),
      await john.rest("DELETE", `/api/notes/${note.id}`, undefined, accessToken),
    ]) {
      expect(answer).toMatchObject(refused);
      expect(answer.headers.get("www-authenticate")).toContain('error="insufficient_scope", scope="notes:write"');
    }
    const { accessToken: other } = await grantedToken(server, john.user.id, ["notes:write", "profile:read"]);
    const unread = await john.rest("GET", "/api/notes", undefined, other);
    expect(unread).toMatchObject({ status: 403, body: { scopes: ["notes:read"] } });
    expect(unread.headers.get("www-authenticate")).toContain('scope="notes:read"');
  });

  it("answer 401 without a token", async () => {
    await using world = await start();
    const { server } = world;
    for (const [method, path] of [
      ["GET", "/api/notes"],
      ["POST", "/api/notes"],
      ["DELETE", "/api/notes/x"],
    ] as const) {
      expect((await fetch(server.url + path, { method })).status).toBe(401);
    }
  });

  it("of a disabled user are kept, and cannot be read until the account is enabled", async () => {
    await using world = await start();
    const { server, john } = world;
    const note = await john.client.note.create.mutate({ text: "Water the plants" });
    await server.domain.accounts.disable(john.user.id, testSource);
    expect(await john.rest("GET", "/api/notes")).toMatchObject({ status: 401, body: { code: "INVALID_TOKEN" } });
    await server.domain.accounts.enable(john.user.id, testSource);
    const { accessToken } = await signInAs(server, "john");
    expect(await john.rest("GET", "/api/notes", undefined, accessToken)).toMatchObject({ body: { notes: [note] } });
  });

  it("are deleted with their user, and other users' notes are not", async () => {
    await using world = await start();
    const { server, john, jane } = world;
    await john.client.note.create.mutate({ text: "John's" });
    const kept = await jane.client.note.create.mutate({ text: "Jane's" });
    await server.db.deleteFrom("users").where("id", "=", john.user.id).execute();
    const { notes } = await jane.client.note.list.query({});
    expect(notes).toEqual([kept]);
    const left = await server.db
      .selectFrom("notes" as "users")
      .select("id")
      .execute();
    expect(left).toEqual([{ id: kept.id }]);
  });
});

describe("a client that was granted notes:read", () => {
  it("does not compile when it adds or deletes notes", () => {
    type NotesReader = Client<Contract, "notes:read">;
    expectTypeOf<NotesReader["note"]>().toHaveProperty("list");
    expectTypeOf<NotesReader["note"]>().not.toHaveProperty("create");
    expectTypeOf<NotesReader["note"]>().not.toHaveProperty("delete");
    expectTypeOf<Client<Contract, "profile:read">>().not.toHaveProperty("note");
    expectTypeOf<Client<Contract, "notes:read" | "notes:write">["note"]>().toHaveProperty("delete");
    // @ts-expect-error no such scope
    expectTypeOf<Client<Contract, "notes:erase">>().toBeObject();
  });
});
