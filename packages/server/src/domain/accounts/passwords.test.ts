import * as bcrypt from "@node-rs/bcrypt";
import { describe, expect, it } from "vitest";
import { createHashingQueue } from "./hashing-queue.ts";
import { createPasswords, type PasswordsOptions } from "./passwords.ts";

/** bcrypt's minimum cost. */
const cost = 4;

const passwordsWith = (options: Partial<PasswordsOptions> = {}) =>
  createPasswords({
    cost,
    pepper: null,
    previousPeppers: [],
    queue: createHashingQueue(() => 1),
    ...options,
  });

const bcryptPart = (stored: string) => stored.slice(stored.indexOf("$"));

const password = "wool lamp river stone";

describe("a stored password", () => {
  it("[S66] is a salted bcrypt hash of the configured cost, different each time", async () => {
    const passwords = passwordsWith({ cost: 5 });
    const [stored, again] = [await passwords.hash(password), await passwords.hash(password)];
    expect(stored).toMatch(/^hmac-sha384:none:\$2b\$05\$[./A-Za-z0-9]{53}$/);
    expect(again).not.toBe(stored);
    expect(await passwords.verify(password, stored)).toEqual({ matches: true, upgrade: null });
    expect(await passwords.verify("wool lamp river sand", stored)).toEqual({ matches: false });
  });

  it("[S66] is a hash of an HMAC: bcrypt alone does not match it", async () => {
    const stored = await passwordsWith().hash(password);
    expect(await bcrypt.compare(password, bcryptPart(stored))).toBe(false);
  });

  it("does not change which passwords match an imported hash when it is upgraded", async () => {
    const passwords = passwordsWith();
    const [whole, longer] = ["x".repeat(72), `${"x".repeat(72)} and more`];
    for (const original of [whole, longer]) {
      const imported = await bcrypt.hash(original, { cost: 4 });
      for (const typed of [whole, longer])
        expect(await passwords.verify(typed, imported)).toEqual({ matches: true, upgrade: null });
    }
    const imported = await bcrypt.hash("x".repeat(71), { cost: 4 });
    const right = await passwords.verify("x".repeat(71), imported);
    expect(right).toMatchObject({ upgrade: expect.stringMatching(/^hmac-sha384:/) });
  });

  it("matches neither NUL nor an empty password when it was imported", async () => {
    const passwords = passwordsWith();
    for (const [original, typed] of [
      ["pass", "pass\0anything"],
      ["pass\0one", "pass\0one"],
      ["", ""],
      ["", "\0"],
    ] as const) {
      const imported = await bcrypt.hash(original, { cost: 4 });
      expect(await passwords.verify(typed, imported)).toEqual({ matches: false });
    }
  });

  it("[S62][S66] depends on every character, also beyond bcrypt's 72 bytes", async () => {
    const passwords = passwordsWith();
    const start = "a long beginning ".repeat(60).slice(0, 1023);
    const stored = await passwords.hash(`${start}1`);
    expect(await passwords.verify(`${start}1`, stored)).toMatchObject({ matches: true });
    expect(await passwords.verify(`${start}2`, stored)).toEqual({ matches: false });
    expect(await passwords.verify(start, stored)).toEqual({ matches: false });
    // For comparison: bcrypt alone does not distinguish the two.
    expect(await bcrypt.compare(`${start}2`, await bcrypt.hash(`${start}1`, { cost }))).toBe(true);
  });

  it("[S62] depends on characters after a null byte, on surrounding spaces and on case", async () => {
    const passwords = passwordsWith();
    const stored = await passwords.hash("pass\0one");
    expect(await passwords.verify("pass\0one", stored)).toMatchObject({ matches: true });
    for (const other of ["pass\0two", "pass", "pass\0one ", " pass\0one", "Pass\0one"]) {
      expect(await passwords.verify(other, stored)).toEqual({ matches: false });
    }
  });

  it("[S62] is the same however its characters were typed (NFKC)", async () => {
    const passwords = passwordsWith();
    const stored = await passwords.hash("Ame\u0301lie aß ﬁnal ①");
    expect(await passwords.verify("Am\u00e9lie aß final 1", stored)).toMatchObject({ matches: true });
    expect(await passwords.verify("Amelie aß final 1", stored)).toEqual({ matches: false });
  });

  it("[S66] is upgraded when its cost is below the configured one, not when it is above", async () => {
    const stored = await passwordsWith().hash(password);
    const dearer = passwordsWith({ cost: 6 });
    const verification = await dearer.verify(password, stored);
    const upgrade = verification.matches ? verification.upgrade : null;
    expect(upgrade).toMatch(/^hmac-sha384:none:\$2b\$06\$/);
    expect(await dearer.verify(password, upgrade)).toEqual({ matches: true, upgrade: null });
    expect(await dearer.verify("another", stored)).toEqual({ matches: false });
    expect(await (await passwordsWith()).verify(password, upgrade)).toEqual({ matches: true, upgrade: null });
  });

  it("throws for an unknown stored form", async () => {
    const passwords = passwordsWith();
    for (const stored of ["plain text", "argon2:none:x", "hmac-sha384", ""]) {
      await expect(passwords.verify(password, stored)).rejects.toThrow("has an unknown form");
    }
  });
});

describe("a pepper", () => {
  const first = "the first pepper, of thirty-two characters";
  const second = "the second pepper, of thirty-two characters";

  it("[S66] is named in the stored form, not contained in it", async () => {
    const stored = await passwordsWith({ pepper: first }).hash(password);
    expect(stored).toMatch(/^hmac-sha384:[0-9a-f]{16}:\$2b\$/);
    expect(stored).not.toContain(first);
  });

  it("[S66] verifies after it was introduced, changed or removed, and upgrades the hash", async () => {
    const without = passwordsWith();
    const withFirst = passwordsWith({ pepper: first });
    const withSecond = passwordsWith({ pepper: second, previousPeppers: [first] });
    const dropped = passwordsWith({ previousPeppers: [first, second] });
    for (const [from, to] of [
      [without, withFirst],
      [withFirst, withSecond],
      [without, withSecond],
      [withSecond, dropped],
    ] as const) {
      const stored = await from.hash(password);
      const verification = await to.verify(password, stored);
      const upgrade = verification.matches ? verification.upgrade : null;
      expect(upgrade).not.toBeNull();
      expect(await to.verify(password, upgrade)).toEqual({ matches: true, upgrade: null });
      expect(await to.verify("another", stored)).toEqual({ matches: false });
    }
  });

  it("[S66] never matches when it is unknown", async () => {
    const stored = await passwordsWith({ pepper: first }).hash(password);
    for (const options of [{}, { pepper: second }, { pepper: second, previousPeppers: ["a third pepper"] }]) {
      expect(await (await passwordsWith(options)).verify(password, stored)).toEqual({ matches: false });
    }
    // Also when the current pepper would match: the stored form names another one.
    const passwords = passwordsWith({ pepper: first });
    expect(await passwords.verify(password, stored.replace(/:[0-9a-f]{16}:/, ":0123456789abcdef:"))).toEqual({
      matches: false,
    });
  });
});

describe("an imported bcrypt hash", () => {
  it.each(["2a", "2b", "2y"] as const)("[S66] of the kind $%s$ verifies and is upgraded", async (version) => {
    const passwords = passwordsWith();
    const stored = passwords.import(await bcrypt.hash(password, { cost, version }));
    const verification = await passwords.verify(password, stored);
    const upgrade = verification.matches ? verification.upgrade : null;
    expect(upgrade).toMatch(/^hmac-sha384:none:/);
    expect(await passwords.verify(password, upgrade)).toEqual({ matches: true, upgrade: null });
    expect(await passwords.verify("another", stored)).toEqual({ matches: false });
  });

  it("is accepted in its standard form only", async () => {
    const passwords = passwordsWith();
    const hash = await bcrypt.hash(password, { cost });
    expect(passwords.import(hash)).toBe(hash);
    for (const other of [
      "",
      password,
      `${hash} `,
      `${hash}\n`,
      ` ${hash}`,
      hash.slice(0, -1),
      hash.replace("$2b$04$", "$2b$03$"),
      hash.replace("$2b$04$", "$2b$17$"),
      hash.replace("$2b$04$", "$2b$32$"),
      `${hash.slice(0, 28)}/${hash.slice(29)}`,
      `${hash.slice(0, 59)}/`,
      hash.replace("$2b$04$", "$2b$4$"),
      hash.replace("$2b$", "$2x$"),
      hash.replace("$2b$", "$2$"),
      `${hash.slice(0, -1)}\0`,
      await passwords.hash(password),
      "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2g",
    ]) {
      expect(passwords.import(other)).toBeNull();
    }
  });
});

describe("a failed verification", () => {
  /** bcrypt that counts its rounds. */
  const countedBcrypt = () => {
    let rounds = 0;
    return {
      bcrypt: {
        hash: (typed: bcrypt.Password, options?: bcrypt.HashOptions) => {
          rounds += 2 ** (options?.cost ?? bcrypt.DEFAULT_COST);
          return bcrypt.hash(typed, options);
        },
        compare: (typed: bcrypt.Password, hash: string | Uint8Array) => {
          rounds += 2 ** bcrypt.parseOptions(hash).cost;
          return bcrypt.compare(typed, hash);
        },
      },
      async roundsOf(work: () => Promise<unknown>) {
        rounds = 0;
        await work();
        return rounds;
      },
    };
  };

  it("[S69] takes the same work for every account, with any stored form or none", async () => {
    const full = 8;
    const { bcrypt: counted, roundsOf } = countedBcrypt();
    const passwords = passwordsWith({ cost: full, pepper: "the pepper of now", bcrypt: counted });
    const older = passwordsWith({ cost: 4 });
    const elsewhere = passwordsWith({ cost: full, pepper: "a pepper nobody knows" });
    const stored = {
      "no account, or one without a password": null,
      "as it is hashed now": await passwords.hash(password),
      "a lower cost": await older.hash(password),
      "a lower cost, imported": await bcrypt.hash(password, { cost: 6 }),
      "the same cost, imported": await bcrypt.hash(password, { cost: full }),
      "a pepper that is unknown": await elsewhere.hash(password),
      "a pepper that is unknown, at a lower cost": (await elsewhere.hash(password)).replace(
        /\$.*/,
        await bcrypt.hash("x", { cost: 5 }),
      ),
    };
    for (const [account, form] of Object.entries(stored)) {
      const rounds = await roundsOf(() => passwords.verify("wrong", form));
      expect({ account, rounds }).toEqual({ account, rounds: 2 ** full });
    }
  });

  it("[S69] never matches for an account without a password", async () => {
    const passwords = passwordsWith();
    for (const typed of ["", "null", password]) {
      expect(await passwords.verify(typed, null)).toEqual({ matches: false });
    }
  });
});
