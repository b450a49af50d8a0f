// Implements the notes of users (packages/contract/src/notes.ts): their table and procedures. Notes are deleted with
// their user, and are in the export of the account. The notes of a disabled user are kept, and can be read again when
// the account is enabled.

import { type Contract, contract } from "@app/contract";
import type { Note } from "@app/contract/notes";
import { defineMigrations, randomId, type Tools } from "@lockstep/server";

const { note } = contract.operations;

export interface NotesTables {
  notes: {
    id: string;
    user_id: string;
    text: string;
    /** Epoch milliseconds. */
    created_at: number;
  };
}

export const notesMigrations = defineMigrations<NotesTables>(
  {
    "0001-notes": {
      async up(db) {
        await db.schema
          .createTable("notes")
          .addColumn("id", "text", (column) => column.primaryKey())
          .addColumn("user_id", "text", (column) => column.notNull().references("users.id").onDelete("cascade"))
          .addColumn("text", "text", (column) => column.notNull())
          .addColumn("created_at", "bigint", (column) => column.notNull())
          .execute();
        await db.schema.createIndex("notes_of_user").on("notes").columns(["user_id", "created_at", "id"]).execute();
      },
    },
  },
  // Whose rows they are: an account's deletion and export follow it.
  { notes: { owner: "user_id" } },
);

export const noteProcedures = ({ implement, db, now, random }: Tools<Contract, NotesTables>) => ({
  list: implement(note.list).handle(async ({ ctx, input: { cursor, limit } }) => {
    const rows = await db
      .selectFrom("notes")
      .selectAll()
      .where("user_id", "=", ctx.principal.user.id)
      .$if(cursor !== undefined, (query) =>
        query.where(({ eb, refTuple, tuple }) =>
          eb(refTuple("created_at", "id"), "<", tuple(...placeOf(cursor ?? ""))),
        ),
      )
      .orderBy("created_at", "desc")
      .orderBy("id", "desc")
      .limit(limit + 1) // one more than requested shows whether there is another page
      .execute();
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    return { notes: page.map(noteFrom), nextCursor: last && rows.length > limit ? cursorOf(last) : null };
  }),

  create: implement(note.create).handle(async ({ ctx, input: { text } }) => {
    const row = {
      id: randomId(random),
      user_id: ctx.principal.user.id,
      text,
      created_at: now(),
    };
    await db.insertInto("notes").values(row).execute();
    return noteFrom(row);
  }),

  delete: implement(note.delete).handle(async ({ ctx, input: { noteId }, refuse }) => {
    const { numDeletedRows } = await db
      .deleteFrom("notes")
      .where("id", "=", noteId)
      .where("user_id", "=", ctx.principal.user.id)
      .executeTakeFirst();
    if (numDeletedRows === 0n) refuse("NOTE_NOT_FOUND");
    return {};
  }),
});

type NoteRow = NotesTables["notes"];

const noteFrom = ({ id, text, created_at }: NoteRow): Note => ({ id, text, createdAt: created_at });

/**
 * A cursor is the creation time and the ID of the last note of a page. The ID distinguishes notes of the same
 * millisecond.
 */
const cursorOf = ({ created_at, id }: NoteRow) => `${created_at}.${id}`;

const placeOf = (cursor: string): [createdAt: number, id: string] => {
  const [createdAt = "", id = ""] = cursor.split(".");
  return [Number(createdAt), id];
};
