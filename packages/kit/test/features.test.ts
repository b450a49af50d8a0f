import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  composeContract,
  defineFeature,
  engine,
  engineAreas,
  engineErrors,
  engineScopes,
  type Feature,
  operationsOf,
} from "../src/index.ts";

const notes = defineFeature(
  {
    areas: { note: "Notes" },
    scopes: { "notes:read": "Read your notes" },
    errors: { NOTE_NOT_FOUND: { status: 404, message: "There is no such note.", details: z.object({}) } },
  },
  ({ query, scoped }) => ({
    note: {
      read: query({
        summary: "Read a note",
        access: scoped("notes:read", "profile:read"),
        output: z.object({}),
        errors: ["NOTE_NOT_FOUND", "TOO_MANY_ATTEMPTS"],
      }),
    },
  }),
);

/** A feature as JavaScript can make it, or two features that know nothing of each other. */
const feature = (parts: Partial<Feature>): Feature => ({ scopes: {}, errors: {}, areas: {}, operations: {}, ...parts });

describe("a contract that is composed of features", () => {
  it("has the engine's words and operations, and those of each feature", () => {
    const tags = defineFeature({ areas: { tag: "Tags" } }, ({ query, anyone }) => ({
      tag: { list: query({ summary: "List tags", access: anyone, output: z.object({}) }) },
    }));
    const contract = composeContract({ features: [notes, tags] });
    expect(contract).toMatchObject({
      scopes: { ...engineScopes, ...notes.scopes },
      roles: ["user", "admin"],
      errors: { ...engineErrors, ...notes.errors },
      areas: { ...engineAreas, note: "Notes", tag: "Tags" },
    });
    expect(contract.operations.note.read).toBe(notes.operations.note.read);
    expect(contract.operations.user).toBe(engine.user);
    const paths = [...operationsOf(contract.operations)].map(([path]) => path);
    expect(paths).toEqual(expect.arrayContaining(["auth.login", "note.read", "tag.list"]));
  });

  it("has the app's roles", () => {
    const roles = ["user", "editor", "admin"] as const;
    const drafts = defineFeature({ areas: { draft: "Drafts" }, roles }, ({ query, firstParty }) => ({
      draft: { list: query({ summary: "List", access: firstParty({ role: "editor" }), output: z.object({}) }) },
    }));
    expect(composeContract({ features: [drafts], roles }).roles).toBe(roles);
    expect(() => composeContract({ features: [drafts] })).toThrow(
      "draft.list needs the role editor, which the contract does not have.",
    );
  });

  it("refuses a scope, error or area that the engine already has, and names it", () => {
    const declared = { status: 404, message: "None.", details: z.object({}) } as const;
    expect(() => composeContract({ features: [feature({ scopes: { "profile:read": "Read" } })] })).toThrow(
      "A feature declares the scope profile:read, which is one of the engine's. Give it another name.",
    );
    expect(() => composeContract({ features: [feature({ errors: { EMAIL_TAKEN: declared } })] })).toThrow(
      "A feature declares the error EMAIL_TAKEN, which is one of the engine's. Give it another name.",
    );
    expect(() => composeContract({ features: [feature({ operations: { user: {} } })] })).toThrow(
      "A feature declares the area user, which is one of the engine's. Give it another name.",
    );
  });

  it("refuses a scope, error or area that two features declare, and names it", () => {
    expect(() => composeContract({ features: [notes, feature({ scopes: notes.scopes })] })).toThrow(
      "Two features declare the scope notes:read. Give one of them another name.",
    );
    expect(() => composeContract({ features: [notes, feature({ errors: notes.errors })] })).toThrow(
      "Two features declare the error NOTE_NOT_FOUND. Give one of them another name.",
    );
    expect(() => composeContract({ features: [notes, feature({ operations: notes.operations })] })).toThrow(
      "Two features declare the area note. Give one of them another name.",
    );
  });

  it("keeps a name of Object.prototype, so that it is refused like any other", () => {
    const operations = { ["__proto__"]: notes.operations.note };
    expect(() => composeContract({ features: [feature({ operations })] })).toThrow('"__proto__" is no name');
    const errors = { ["__proto__"]: notes.errors.NOTE_NOT_FOUND };
    expect(() => composeContract({ features: [feature({ errors })] })).toThrow('The error "__proto__"');
  });

  it("refuses a scope without words, and an operation with a scope that no feature declares", () => {
    expect(() => composeContract({ features: [feature({ scopes: { "notes:read": "" } })] })).toThrow(
      "The scope notes:read has no words for the consent page.",
    );
    expect(() =>
      composeContract({ features: [feature({ operations: notes.operations, errors: notes.errors })] }),
    ).toThrow("note.read needs the scope notes:read, which the contract does not have.");
  });
});
