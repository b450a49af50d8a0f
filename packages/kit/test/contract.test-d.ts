import { describe, expectTypeOf, it } from "vitest";
import { z } from "zod";
import {
  type AssuredFirstParty,
  defineContract,
  type ErrorCodeOf,
  engine,
  engineErrors,
  engineRoles,
  engineScopes,
  type FirstParty,
} from "../src/index.ts";

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

describe("access that asks for more than a sign-in", () => {
  const { operations } = defineContract(words, ({ query, scoped, firstParty }) => {
    const limits = { role: "admin", maxAgeSeconds: 60 } as const;
    return {
      fresh: query({ summary: "Read", access: firstParty({ maxAgeSeconds: 300 }), output: z.string() }),
      strong: query({ summary: "Read", access: firstParty({ role: "admin", factors: 2 }), output: z.string() }),
      variable: query({ summary: "Read", access: firstParty(limits), output: z.string() }),
      theirs: query({ summary: "Read", access: scoped({ factors: 2 }, "profile:read"), output: z.string() }),
      role: query({ summary: "Read", access: firstParty({ role: "admin" }), output: z.string() }),
      scope: query({ summary: "Read", access: scoped("profile:read"), output: z.string() }),
    };
  });
  type Refused<K extends keyof typeof operations> =
    "REAUTHENTICATION_REQUIRED" extends ErrorCodeOf<(typeof operations)[K]> ? true : false;

  it("has REAUTHENTICATION_REQUIRED among its errors, and no other access has it", () => {
    expectTypeOf<[Refused<"fresh">, Refused<"strong">, Refused<"variable">, Refused<"theirs">]>().toEqualTypeOf<
      [true, true, true, true]
    >();
    expectTypeOf<[Refused<"role">, Refused<"scope">]>().toEqualTypeOf<[false, false]>();
    expectTypeOf<ErrorCodeOf<typeof engine.user.me>>().not.toEqualTypeOf<ErrorCodeOf<(typeof operations)["theirs"]>>();
  });

  it("names the contract's roles and scopes only", () => {
    defineContract(words, ({ firstParty, scoped }) => {
      // @ts-expect-error no such role
      firstParty({ role: "root", factors: 2 });
      // @ts-expect-error no such scope
      scoped({ factors: 2 }, "notes:read");
      // @ts-expect-error one or two
      firstParty({ factors: 3 });
      expectTypeOf(firstParty({ role: "admin" })).toEqualTypeOf<FirstParty<"user" | "admin">>();
      expectTypeOf(firstParty({ phishingResistant: true })).toEqualTypeOf<AssuredFirstParty<"user" | "admin">>();
      return {};
    });
  });
});
