import { describe, it } from "vitest";
import { z } from "zod";
import { defineContract, engine, engineErrors, engineRoles, engineScopes } from "../src/index.ts";

const words = { scopes: engineScopes, roles: engineRoles, errors: engineErrors };

describe("an operation of a contract", () => {
  it("does not compile with a scope, role or error that the contract does not have", () => {
    defineContract(words, ({ query, scoped, firstParty, anyone }) => ({
      ...engine,
      // @ts-expect-error no such scope
      a: query({ summary: "Read", access: scoped("notes:read"), output: z.string() }),
      // @ts-expect-error no such role
      b: query({ summary: "Read", access: firstParty({ role: "root" }), output: z.string() }),
      // @ts-expect-error no such error
      c: query({ summary: "Read", access: anyone, output: z.string(), errors: ["NOTE_NOT_FOUND"] }),
      // @ts-expect-error no access
      d: query({ summary: "Read", output: z.string() }),
      // @ts-expect-error follows from the access
      e: query({ summary: "Read", access: firstParty(), output: z.string(), errors: ["FIRST_PARTY_ONLY"] }),
    }));
  });
});
