import { composeContract, defineFeature } from "@lockstep/kit";
import { describe, expectTypeOf, it } from "vitest";
import { z } from "zod";
import { defineApp, type Tools } from "./app.ts";
import { defineMigrations } from "./db/app-migrations.ts";

const contract = composeContract({
  features: [
    defineFeature(
      {
        areas: { note: "Notes" },
        errors: { NOTE_NOT_FOUND: { status: 404, message: "", details: z.object({ id: z.string() }) } },
      },
      ({ query, anyone }) => ({
        note: {
          read: query({
            summary: "",
            access: anyone,
            output: z.object({ text: z.string() }),
            errors: ["NOTE_NOT_FOUND"],
          }),
          list: query({ summary: "", access: anyone, output: z.object({}) }),
        },
      }),
    ),
  ],
});
type Contract = typeof contract;
const { note } = contract.operations;

interface NotesTables {
  notes: { id: string; user_id: string; editor_id: string | null; text: string };
}
interface TagsTables {
  tags: { note_id: string; tag: string };
}
const notesMigrations = defineMigrations<NotesTables>({}, { notes: { owner: "user_id" } });
const tagsMigrations = defineMigrations<TagsTables>({}, { tags: "not_personal" });

const noteProcedures = ({ implement, db }: Tools<Contract, NotesTables>) => ({
  read: implement(note.read).handle(async ({ refuse }) => {
    const found = await db.selectFrom("notes").select("text").executeTakeFirst();
    return found ?? refuse("NOTE_NOT_FOUND", { id: "x" });
  }),
  list: implement(note.list).handle(() => ({})),
});

const brand = { name: "Notes" };
const migrations = [notesMigrations, tagsMigrations] as const;

describe("an app", () => {
  it("has hooks that see its tables, and answer in one of three ways", () => {
    const procedures = (tools: Tools<Contract, NotesTables>) => ({ note: noteProcedures(tools) });
    const notes = { brand, contract, migrations: [notesMigrations], procedures } as const;
    defineApp({
      ...notes,
      hooks: {
        admit: async ({ kind, login }, { db }) => {
          expectTypeOf(kind).toEqualTypeOf<"sign_up" | "sign_in" | "recover">();
          expectTypeOf(login).toEqualTypeOf<string | null>();
          const note = await db.selectFrom("notes").select("text").executeTakeFirst();
          return note ? { allow: false, explanation: note.text } : { allow: "after_challenge" };
        },
      },
    });
    // @ts-expect-error no migration makes this table
    defineApp({ ...notes, hooks: { admit: (_, { db }) => ({ allow: db.selectFrom("tags") === null }) } });
    // @ts-expect-error an answer says whether to allow it
    defineApp({ ...notes, hooks: { admit: () => ({}) } });
  });

  it("compiles when each operation has its procedure and each table its migrations", () => {
    defineApp({ brand, contract, migrations, procedures: (tools) => ({ note: noteProcedures(tools) }) });
    defineApp({
      brand,
      contract,
      migrations: [notesMigrations],
      procedures: (tools) => ({ note: noteProcedures(tools) }),
    });
  });

  it("does not compile without the procedure of an operation, or with an undeclared one", () => {
    // @ts-expect-error `note` has no procedures
    defineApp({ brand, contract, migrations, procedures: () => ({}) });
    // @ts-expect-error `note.list` has no procedure
    defineApp({ brand, contract, migrations, procedures: (tools) => ({ note: { read: noteProcedures(tools).read } }) });
    defineApp({
      brand,
      contract,
      migrations,
      // @ts-expect-error there is no operation `extra`
      procedures: (tools) => ({ note: noteProcedures(tools), extra: noteProcedures(tools).list }),
    });
    defineApp({
      brand,
      contract,
      migrations,
      // @ts-expect-error there is no operation `note.extra`
      procedures: (tools) => ({ note: { ...noteProcedures(tools), extra: noteProcedures(tools).list } }),
    });
  });

  it("does not compile without the migrations of a table that its procedures need", () => {
    defineApp({
      brand,
      contract,
      // @ts-expect-error no migration makes `notes`
      procedures: (tools) => ({ note: noteProcedures(tools) }),
    });
    defineApp({
      brand,
      contract,
      migrations: [tagsMigrations],
      // @ts-expect-error no migration makes `notes`
      procedures: (tools) => ({ note: noteProcedures(tools) }),
    });
  });
});

describe("the map of personal data", () => {
  it("describes each table, by its own columns", () => {
    defineMigrations<NotesTables & TagsTables>(
      {},
      {
        notes: [
          { owner: "user_id", leaveOut: ["text"] },
          { owner: "editor_id", anonymize: { editor_id: null } },
        ],
        tags: { parent: "notes", by: "note_id", key: ["note_id", "tag"] },
      },
    );
    // Migrations that create no tables need none.
    defineMigrations({});
  });

  it("does not compile without a table", () => {
    // @ts-expect-error nothing says whose rows `notes` has
    defineMigrations<NotesTables>({});
    // @ts-expect-error nothing says whose rows `tags` has
    defineMigrations<NotesTables & TagsTables>({}, { notes: { owner: "user_id" } });
  });

  it("does not compile with what the table does not have", () => {
    // @ts-expect-error `notes` has no column `owner_id`
    defineMigrations<NotesTables>({}, { notes: { owner: "owner_id" } });
    // @ts-expect-error there is no table `books`
    defineMigrations<TagsTables>({}, { tags: { parent: "books", by: "note_id" } });
    // @ts-expect-error the rows would keep their user
    defineMigrations<NotesTables>({}, { notes: { owner: "editor_id", anonymize: { text: "" } } });
    // @ts-expect-error a note without a user cannot be stored
    defineMigrations<NotesTables>({}, { notes: { owner: "user_id", anonymize: { user_id: null } } });
  });
});

describe("a procedure", () => {
  it("gets its tools by name", () => {
    const procedures = ({ db, now, random, users, audit }: Tools<Contract, NotesTables>) => {
      expectTypeOf(now).returns.toEqualTypeOf<number>();
      expectTypeOf(random).returns.toEqualTypeOf<Uint8Array<ArrayBuffer>>();
      expectTypeOf(users.find).parameter(0).toEqualTypeOf<string>();
      db.selectFrom("notes").innerJoin("users", "users.id", "notes.id").select(["notes.text", "users.full_name"]);
      // @ts-expect-error sessions are the engine's
      db.selectFrom("sessions");
      const source = { address: null, userAgent: null, requestId: null };
      void audit.record({ action: "note.delete", userId: null, source });
      // @ts-expect-error an action of an app has a subject and a verb
      void audit.record({ action: "deleted", userId: null, source });
    };
    expectTypeOf(procedures).toBeFunction();
  });

  it("refuses with the errors that its operation names, with their details", () => {
    const procedures = ({ implement }: Tools<Contract>) => {
      implement(note.read).handle(({ refuse }) => refuse("NOTE_NOT_FOUND", { id: "x" }));
      // @ts-expect-error the details are missing
      implement(note.read).handle(({ refuse }) => refuse("NOTE_NOT_FOUND"));
      // @ts-expect-error the operation does not name this error
      implement(note.list).handle(({ refuse }) => refuse("NOTE_NOT_FOUND", { id: "x" }));
    };
    expectTypeOf(procedures).toBeFunction();
  });
});
