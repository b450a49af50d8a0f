import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  EmailAddress,
  engine,
  engineErrors,
  engineScopes,
  LoginInput,
  operationsOf,
  passwordLength,
  UpdateUserInput,
  Username,
} from "../src/index.ts";

describe("the engine's operations", () => {
  it("have a consent text for every scope, and use every scope", () => {
    const used = [...operationsOf(engine)].flatMap(([, { access }]) => (access.kind === "scoped" ? access.scopes : []));
    expect([...new Set(used)].sort()).toEqual(Object.keys(engineScopes).sort());
  });

  it("have an HTTP status and a sentence for every error", () => {
    for (const { status, message } of Object.values(engineErrors)) {
      expect(status).toBeGreaterThanOrEqual(400);
      expect(message).toMatch(/^[A-Z].*\.$/);
    }
  });

  it("are each described in one line", () => {
    for (const [, { summary }] of operationsOf(engine)) expect(summary).toMatch(/^[A-Z][^\n]{5,90}[^.]$/);
  });
});

describe("inputs", () => {
  it("[S62] accept a password as typed: any character, spaces, 64 characters and more", () => {
    for (const password of [" spaces around ", "пароль 密码 🦊", "x".repeat(passwordLength.max), "a\tb"]) {
      expect(LoginInput.parse({ username: "john", password }).password).toBe(password);
    }
  });

  it("trim and normalize names of users", () => {
    expect(Username.parse(" John.Doe ")).toBe("john.doe");
    expect(EmailAddress.parse("John@Example.COM")).toBe("john@example.com");
    expect(UpdateUserInput.parse({ fullName: "  John Doe " })).toEqual({ fullName: "John Doe" });
  });

  it("refuse invalid names", () => {
    for (const name of ["", " ", "-a", ".a", "a b", "a@b", "a/b", "é", "a".repeat(65)]) {
      expect(Username.safeParse(name).success, name).toBe(false);
    }
    for (const fullName of ["", "  ", "a\u0000b", "a\nb", "\ud800", "x".repeat(201)]) {
      expect(UpdateUserInput.safeParse({ fullName }).success, JSON.stringify(fullName)).toBe(false);
    }
  });

  it("refuse text that PostgreSQL cannot store", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        for (const parsed of [
          UpdateUserInput.safeParse({ fullName: text }),
          LoginInput.safeParse({ username: text, password: "x" }),
        ]) {
          if (!parsed.success) continue;
          const stored = JSON.stringify(parsed.data);
          expect(stored).not.toContain("\\u0000");
          expect(stored.isWellFormed()).toBe(true);
        }
      }),
    );
  });
});
