import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  defineContract,
  engine,
  engineErrors,
  engineRoles,
  engineScopes,
  operationsOf,
  type RestRoute,
} from "../src/index.ts";

const words = {
  scopes: { ...engineScopes, "notes:read": "Read your notes" },
  roles: engineRoles,
  errors: {
    ...engineErrors,
    NOTE_NOT_FOUND: { status: 404, message: "There is no such note.", details: z.object({}) },
  },
} as const;

const withRest = (path: RestRoute["path"]) => () =>
  defineContract(words, ({ query, anyone }) => ({
    ...engine,
    note: { read: query({ summary: "Read", access: anyone, rest: { method: "GET", path }, output: z.object({}) }) },
  }));

describe("a contract", () => {
  it("has the engine's operations and the app's own", () => {
    const { operations } = defineContract(words, ({ query, scoped }) => ({
      ...engine,
      note: { list: query({ summary: "List your notes", access: scoped("notes:read"), output: z.object({}) }) },
    }));
    const paths = [...operationsOf(operations)].map(([path]) => path);
    expect(paths).toEqual(expect.arrayContaining(["user.me", "note.list"]));
  });

  it.each(["notes read", 'no"tes', "no\\tes", "", "nötes"])(
    "refuses the scope %j, which OAuth does not allow (RFC 6749 §3.3)",
    (name) => {
      const scopes = { ...engineScopes, [name]: "Read your notes" };
      expect(() => defineContract({ ...words, scopes }, () => engine)).toThrow(/does not allow/);
    },
  );

  it("refuses a scope of OpenID Connect, and one without words", () => {
    expect(() => defineContract({ ...words, scopes: { ...engineScopes, email: "x" } }, () => engine)).toThrow(
      "The scope email is one of OpenID Connect. Choose another name.",
    );
    expect(() => defineContract({ ...words, scopes: { ...engineScopes, "notes:read": " " } }, () => engine)).toThrow(
      "The scope notes:read has no words for the consent page.",
    );
  });

  it.each(["noteGone", "NOTE-GONE", "__proto__", "constructor", ""])("refuses the error %j", (code) => {
    const declared = { status: 404, message: "Gone.", details: z.object({}) } as const;
    const errors = { ...engineErrors, [code]: declared };
    expect(() => defineContract({ ...words, errors }, () => engine)).toThrow(
      `The error ${JSON.stringify(code)} is not in SCREAMING_SNAKE.`,
    );
  });

  it.each(["__proto__", "no-tes", "no.tes", "no,tes", "no/tes", "nötes", ""])(
    "refuses %j as the name of an area or operation",
    (name) => {
      for (const operationsWith of [
        <T>(operation: T) => ({ [name]: { list: operation } }),
        <T>(operation: T) => ({ note: { [name]: operation } }),
        <T>(operation: T) => ({ [name]: operation }),
      ]) {
        const declared = () =>
          defineContract(words, ({ query, anyone }) => ({
            ...engine,
            ...operationsWith(query({ summary: "List", access: anyone, output: z.object({}) })),
          }));
        expect(declared).toThrow(
          `${JSON.stringify(name)} is no name for an area or operation. Write letters and digits.`,
        );
      }
    },
  );

  it.each([
    "/api/:noteId",
    "/api/*",
    "/api/{noteId}?",
    "/api/{note-id}",
    "/api/{noteId}.json",
    "/api/{noteId}(\\d+)",
    "/api/notes?all=1",
    "/api/notes/",
    "/api//notes",
    "/api/nötes",
    "/api/n%6ftes",
    "/",
  ] as const)("refuses the REST path %s, which routers read in different ways", (path) => {
    expect(withRest(path)).toThrow(
      `note.read has the REST path ${path}. Write segments of letters, digits and -._~ or a name in braces, such as /api/notes/{noteId}.`,
    );
  });

  it("refuses a REST path with one parameter twice", () => {
    const path = "/api/{id}/notes/{id}";
    expect(withRest(path)).toThrow("note.read has {id} twice in its REST path /api/{id}/notes/{id}.");
  });

  it("refuses a REST path with a parameter that its input does not have", () => {
    const declared = (input: z.ZodType | undefined) => () =>
      defineContract(words, ({ query, anyone }) => {
        const rest = { method: "GET", path: "/api/notes/{id}" } as const;
        const read = { summary: "Read", access: anyone, output: z.object({}), rest };
        return { ...engine, note: { read: input ? query({ ...read, input }) : query(read) } };
      });
    const refusal = "note.read has {id} in its REST path /api/notes/{id}, but its input has no such property.";
    expect(declared(z.object({ noteId: z.string() }))).toThrow(refusal);
    expect(declared(undefined)).toThrow(refusal);
    for (const input of [z.object({ id: z.string() }), z.looseObject({}), z.union([z.object({ id: z.string() })])])
      expect(declared(input)).not.toThrow();
  });

  it("refuses operations with scopes, roles or errors of another contract, and names them", () => {
    const { operations } = defineContract(words, ({ query, firstParty, scoped, anyone }) => ({
      ...engine,
      scoped: query({ summary: "Read", access: scoped("notes:read"), output: z.object({}) }),
      failing: query({ summary: "Read", access: anyone, output: z.object({}), errors: ["NOTE_NOT_FOUND"] }),
      administrative: query({ summary: "Read", access: firstParty({ role: "admin" }), output: z.object({}) }),
    }));
    const { scoped, failing, administrative } = operations;
    expect(() => defineContract({ ...words, scopes: engineScopes }, () => ({ scoped }))).toThrow(
      "scoped needs the scope notes:read, which the contract does not have.",
    );
    expect(() => defineContract({ ...words, errors: engineErrors }, () => ({ failing }))).toThrow(
      "failing names the error NOTE_NOT_FOUND, which the contract does not have.",
    );
    expect(() => defineContract({ ...words, roles: ["user"] }, () => ({ administrative }))).toThrow(
      "administrative needs the role admin, which the contract does not have.",
    );
  });
});
