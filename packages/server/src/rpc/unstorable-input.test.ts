import { TRPCError } from "@trpc/server";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { engines, openTestDatabase } from "../../test/engines.ts";
import { anyone, contractOf, mutation } from "../../test/words.ts";
import { DomainError, refusalOf as domainRefusalOf } from "../domain/kernel/domain-error.ts";
import { createGuard } from "../domain/tokens/guard.ts";
import { testRequest } from "../testing.ts";
import { createContext } from "./context.ts";
import { createRouter, implement } from "./trpc.ts";
import { unstorableTextIn } from "./unstorable-input.ts";

const note = z.object({ text: z.string(), tags: z.record(z.string(), z.string()).default({}) });
const notes = {
  add: mutation({ summary: "Add a note", access: anyone, input: note, output: z.object({}) }),
  /** Its schema hides the text: only the database can find it. */
  addEncoded: mutation({
    summary: "Add a note",
    access: anyone,
    input: z.object({ text: z.string() }),
    output: z.object({}),
  }),
};

type Db = Awaited<ReturnType<typeof openTestDatabase>>["db"];

const callerOn = (db: Db) => {
  const write = async (text: string) => {
    await sql`insert into notes (body) values (${text})`.execute(db);
    return {};
  };
  const router = createRouter(contractOf(notes), {
    add: implement(notes.add).handle(({ input }) => write(`${input.text} ${Object.keys(input.tags)}`)),
    addEncoded: implement(notes.addEncoded).handle(({ input }) => write(JSON.parse(`"${input.text}"`))),
  });
  const guard = createGuard({ authenticate: async () => null } as never); // Never used: both operations are open to anyone.
  return router.createCaller(createContext(guard, testRequest()));
};

const refusalOf = async (call: Promise<unknown>) => {
  const error = await call.catch((reason: unknown) => reason);
  if (!(error instanceof TRPCError && error.cause instanceof DomainError)) return error;
  return [error.cause.code, error.cause.details];
};

describe.each(engines)("an app's own operation on $engine", ({ newDatabase }) => {
  const open = async () => {
    const database = await openTestDatabase(newDatabase);
    await sql`create table notes (body text not null)`.execute(database.db);
    return {
      caller: callerOn(database.db),
      bodies: async () => (await sql<{ body: string }>`select body from notes`.execute(database.db)).rows,
      [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
    };
  };

  it.each(["a\0b", "\0", "a\ud800", "\udc00b"])(
    "refuses the text %j as INVALID_INPUT and names where it is",
    async (text) => {
      await using opened = await open();
      const issue = (path: string[]) => ["INVALID_INPUT", { issues: [{ path, message: "Must be plain text" }] }];
      expect(await refusalOf(opened.caller.add({ text }))).toEqual(issue(["text"]));
      expect(await refusalOf(opened.caller.add({ text: "a", tags: { x: text } }))).toEqual(issue(["tags", "x"]));
      expect(await refusalOf(opened.caller.add({ text: "a", tags: { [text]: "x" } }))).toEqual(issue(["tags", text]));
      expect(await opened.bodies()).toEqual([]);
    },
  );

  it.each(["\\u0000", "a\\ud800"])("refuses the text %s in the database when no schema could find it", async (text) => {
    await using opened = await open();
    const refused = ["INVALID_INPUT", { issues: [{ path: [], message: "Must be plain text" }] }];
    expect(await refusalOf(opened.caller.addEncoded({ text }))).toEqual(refused);
    expect(await opened.bodies()).toEqual([]);
  });

  it("stores every other text unchanged", async () => {
    await using opened = await open();
    await opened.caller.add({ text: "\u0001 🦊 \ufffd\n" });
    expect(await opened.bodies()).toEqual([{ body: "\u0001 🦊 \ufffd\n " }]);
  });
});

it("NUL escaped in JSON is refused as INVALID_INPUT when PostgreSQL finds it", async () => {
  await using database = await openTestDatabase(engines[1].newDatabase);
  const text = JSON.stringify(["a\0b"]);
  const answered = await sql`select json_array_elements_text(${text}::json)`
    .execute(database.db)
    .catch(domainRefusalOf);
  expect(answered).toMatchObject({ code: "INVALID_INPUT" });
});

describe("the search in an input", () => {
  it("works at any depth, and in what a schema made of the input", () => {
    let deep: unknown = "\0";
    for (let n = 0; n < 100_000; n++) deep = [deep];
    expect(unstorableTextIn(deep)).toHaveLength(100_000);
    expect(unstorableTextIn({ a: new Set(["b", "\0"]) })).toEqual(["a", 1]);
    expect(unstorableTextIn(new Map([["\0", 1]]))).toEqual([0, 0]);
    expect(unstorableTextIn({ a: ["b", 1, null, undefined, new Date(0), new Uint8Array(3)] })).toBeNull();
  });
});
