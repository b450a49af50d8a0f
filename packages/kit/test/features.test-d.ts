import { describe, expectTypeOf, it } from "vitest";
import { z } from "zod";
import { composeContract, defineFeature, type EngineErrors, type PathIn, type ScopeOf } from "../src/index.ts";

const output = z.object({});
const declared = { status: 404, message: "There is no such note.", details: z.object({ id: z.string() }) } as const;

describe("a feature", () => {
  it("does not compile with a scope, error or role that neither it nor the engine declares", () => {
    defineFeature(
      { areas: { note: "Notes" }, scopes: { "notes:read": "Read your notes" }, errors: { NOTE_NOT_FOUND: declared } },
      ({ query, scoped, firstParty }) => ({
        note: {
          a: query({ summary: "", access: scoped("notes:read", "profile:read"), output, errors: ["NOTE_NOT_FOUND"] }),
          b: query({ summary: "", access: firstParty({ role: "admin" }), output, errors: ["TOO_MANY_ATTEMPTS"] }),
          // @ts-expect-error no such scope, and so no words for the consent page
          c: query({ summary: "", access: scoped("notes:write"), output }),
          // @ts-expect-error no such error
          d: query({ summary: "", access: scoped("notes:read"), output, errors: ["NOTES_FULL"] }),
          // @ts-expect-error no such role
          e: query({ summary: "", access: firstParty({ role: "editor" }), output }),
        },
      }),
    );
  });

  it("does not compile without words for a scope or an area", () => {
    // @ts-expect-error the scope has no words
    defineFeature({ areas: { note: "Notes" }, scopes: ["notes:read"] }, () => ({ note: {} }));
    // @ts-expect-error the area has no description
    defineFeature({ areas: {} }, () => ({ note: {} }));
  });

  it("does not compile with a name that the engine already uses, and says so", () => {
    // @ts-expect-error The engine already uses this name. Choose another.
    defineFeature({ areas: { user: "People" } }, () => ({ user: {} }));
    // @ts-expect-error The engine already uses this name. Choose another.
    defineFeature({ areas: { note: "Notes" }, scopes: { "profile:read": "Read" } }, () => ({ note: {} }));
    // @ts-expect-error The engine already uses this name. Choose another.
    defineFeature({ areas: { note: "Notes" }, errors: { EMAIL_TAKEN: declared } }, () => ({ note: {} }));
  });
});

describe("a contract that is composed of features", () => {
  it("knows the words and operations of each", () => {
    const notes = defineFeature(
      { areas: { note: "Notes" }, scopes: { "notes:read": "Read your notes" }, errors: { NOTE_NOT_FOUND: declared } },
      ({ query, scoped }) => ({ note: { list: query({ summary: "", access: scoped("notes:read"), output }) } }),
    );
    const tags = defineFeature({ areas: { tag: "Tags" } }, ({ query, anyone }) => ({
      tag: { list: query({ summary: "", access: anyone, output }) },
    }));
    const contract = composeContract({ features: [notes, tags] });
    type Contract = typeof contract;
    expectTypeOf<ScopeOf<Contract>>().toEqualTypeOf<"profile:read" | "profile:write" | "notes:read">();
    expectTypeOf<keyof Contract["errors"]>().toEqualTypeOf<keyof EngineErrors | "NOTE_NOT_FOUND">();
    expectTypeOf<z.output<Contract["errors"]["NOTE_NOT_FOUND"]["details"]>>().toEqualTypeOf<{ id: string }>();
    expectTypeOf<Extract<PathIn<Contract>, "note.list" | "tag.list" | "user.me" | "tag.read">>().toEqualTypeOf<
      "note.list" | "tag.list" | "user.me"
    >();
    expectTypeOf(composeContract({ features: [] }).operations).not.toHaveProperty("note");
  });
});
