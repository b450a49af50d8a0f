// The notes of users: an example feature. This file declares its scopes, errors, schemas and operations;
// apps/server/src/notes.ts implements them. Lockstep's tutorial, docs/your-first-feature.md in its repository, builds another
// one step by step.

import { defineFeature, Id, plainText } from "@lockstep/kit";
import { z } from "zod";

/** The maximum length of a note, in characters (Unicode code points). */
export const noteLength = { max: 10_000 } as const;

export const Note = z
  .object({
    id: z.string().meta({ examples: ["KDUNzZfGYC8kmDCIh9gXbQ"] }),
    text: z.string().meta({ examples: ["Water the plants"] }),
    createdAt: z.int().meta({ description: "Epoch milliseconds", examples: [1_795_441_415_893] }),
  })
  .meta({ id: "Note", description: "A note of the signed-in user" });
export type Note = z.infer<typeof Note>;

export const CreateNoteInput = z.object({
  text: plainText({ maxLength: noteLength.max }).refine((text) => text.trim() !== "", { error: "Write something" }),
});

export const ListNotesInput = z
  .object({
    cursor: z
      .string()
      .regex(/^\d{1,16}\.[\w-]{1,100}$/, { error: "Must be the `nextCursor` of another page" })
      .describe("The `nextCursor` of the previous page. Default: the newest notes"),
    limit: z.int().min(1).max(100).default(50).describe("The maximum number of notes in a page"),
  })
  .partial({ cursor: true });

export const notes = defineFeature(
  {
    areas: { note: "The signed-in user's notes" },
    scopes: {
      "notes:read": "Read your notes",
      "notes:write": "Add and delete notes",
    },
    errors: {
      NOTE_NOT_FOUND: { status: 404, message: "There is no such note.", details: z.object({}) },
    },
  },
  ({ query, mutation, scoped }) => ({
    note: {
      list: query({
        summary: "List the signed-in user's notes, the newest first",
        access: scoped("notes:read"),
        rest: { method: "GET", path: "/api/notes" },
        input: ListNotesInput,
        output: z.object({
          notes: z.array(Note),
          nextCursor: z.string().nullable().describe("The `cursor` of the next page. `null`: there are no more notes"),
        }),
      }),
      create: mutation({
        summary: "Add a note",
        access: scoped("notes:write"),
        rest: { method: "POST", path: "/api/notes" },
        input: CreateNoteInput,
        output: Note,
      }),
      delete: mutation({
        summary: "Delete one of the signed-in user's notes",
        access: scoped("notes:write"),
        rest: { method: "DELETE", path: "/api/notes/{noteId}" },
        input: z.object({ noteId: Id.describe("The ID of a note, from the list of notes") }),
        output: z.object({}),
        errors: ["NOTE_NOT_FOUND"],
      }),
    },
  }),
);
