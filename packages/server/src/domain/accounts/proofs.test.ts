import { ProofCode, proofCodeLetters } from "@lockstep/kit";
import fc from "fast-check";
import { describe, expect, inject, it } from "vitest";
import { engines } from "../../../test/engines.ts";
import { openDatabase } from "../../db/database.ts";
import { testClock, testWorld } from "../../testing.ts";
import { DomainError } from "../kernel/domain-error.ts";
import { createSecrets } from "../kernel/secrets.ts";
import { createProofs, type IssuedProof, type NewProof, proofLifetimeSeconds } from "./proofs.ts";
import { createUsers } from "./users.ts";

const browser = "the browser that asked";

const signUp: NewProof = {
  purpose: "sign_up",
  asked: "jane@example.com",
  userId: null,
  email: "jane@example.com",
  browser,
};

/** The reason of a refusal, with the tries that are left. */
const refusal = async (call: Promise<unknown>) => {
  const error = await call.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error === null) return null;
  if (!(error instanceof DomainError) || error.code !== "PROOF_REFUSED") throw error;
  return error.details as { reason: string; triesLeft: number };
};

/** A code that is not this one. */
const wrong = (code: string) => `${code.startsWith("B") ? "C" : "B"}${code.slice(1)}`;

describe.each(engines)("a proof on $engine", ({ newDatabase }) => {
  const open = async () => {
    const database = await newDatabase("migrated");
    // Callers at once wait for one row.
    const db = await openDatabase(database.url, { limitMs: inject("patienceMs") });
    const clock = testClock();
    const { random } = testWorld(clock.now);
    const secrets = createSecrets("a secret of at least 32 characters");
    const proofs = createProofs({ db, now: clock.now, random, secrets });
    const users = createUsers({ db, now: clock.now, random });
    return {
      db,
      clock,
      proofs,
      users,
      issue: (change: Partial<NewProof> = {}) =>
        db.transaction().execute((transaction) => proofs.issueWithin(transaction, { ...signUp, ...change })),
      check: (
        { id, code }: Pick<IssuedProof, "id" | "code">,
        from: string | null = browser,
        purpose = signUp.purpose,
      ) => proofs.check({ proofId: id, code, browser: from }, purpose),
      spend: (id: string) => db.transaction().execute((transaction) => proofs.spendWithin(transaction, id)),
      async [Symbol.asyncDispose]() {
        await db.destroy();
        await database.drop();
      },
    };
  };

  it("[S104] accepts its code, in the browser that asked, until it is spent", async () => {
    await using opened = await open();
    const proof = await opened.issue();
    for (let n = 0; n < 10; n++)
      expect(await opened.check(proof)).toEqual({
        id: proof.id,
        purpose: "sign_up",
        asked: signUp.asked,
        userId: null,
        email: "jane@example.com",
        browserBound: true,
        createdAt: opened.clock.now(),
      });
    await opened.spend(proof.id);
    expect(await refusal(opened.check(proof))).toEqual({ reason: "used", triesLeft: 0 });
    expect(await refusal(opened.spend(proof.id))).toEqual({ reason: "used", triesLeft: 0 });
  });

  it("[S104] is spent once by 50 callers at once", async () => {
    await using opened = await open();
    const proof = await opened.issue();
    const outcomes = await Promise.all(
      Array.from(
        { length: 50 },
        async () => (await refusal(opened.check(proof).then(({ id }) => opened.spend(id))))?.reason,
      ),
    );
    expect(outcomes.filter((reason) => reason === undefined)).toHaveLength(1);
    expect(outcomes.filter((reason) => reason === "used")).toHaveLength(49);
  });

  it("[S104] counts five wrong codes, then refuses the right one", async () => {
    await using opened = await open();
    const proof = await opened.issue();
    for (let triesLeft = 4; triesLeft >= 0; triesLeft--)
      expect(await refusal(opened.check({ id: proof.id, code: wrong(proof.code) }))).toEqual({
        reason: "wrong_code",
        triesLeft,
      });
    expect(await refusal(opened.check(proof))).toEqual({ reason: "too_many_tries", triesLeft: 0 });
    expect(await refusal(opened.proofs.read(proof.secret, browser))).toEqual({
      reason: "too_many_tries",
      triesLeft: 0,
    });
  });

  it("[S104] counts wrong codes that are sent at once", async () => {
    await using opened = await open();
    const proof = await opened.issue();
    const outcomes = await Promise.all(
      Array.from(
        { length: 50 },
        async () => (await refusal(opened.check({ id: proof.id, code: wrong(proof.code) })))?.reason,
      ),
    );
    expect(outcomes.filter((reason) => reason === "wrong_code")).toHaveLength(5);
    expect(outcomes.filter((reason) => reason === "too_many_tries")).toHaveLength(45);
  });

  it("[S104] expires after ten minutes", async () => {
    expect(proofLifetimeSeconds).toBeLessThanOrEqual(600);
    await using opened = await open();
    const proof = await opened.issue();
    opened.clock.advanceSeconds(proofLifetimeSeconds - 1);
    await opened.check(proof);
    opened.clock.advanceSeconds(1);
    const expired = { reason: "expired", triesLeft: 0 };
    expect(await refusal(opened.check(proof))).toEqual(expired);
    expect(await refusal(opened.spend(proof.id))).toEqual(expired);
    expect(await refusal(opened.proofs.find(proof.id, browser))).toEqual(expired);
    expect(await refusal(opened.proofs.read(proof.secret, browser))).toEqual(expired);
  });

  it.each([null, "another browser", ""])(
    "[S104] refuses the browser %j, which cannot use up its tries",
    async (from) => {
      await using opened = await open();
      const proof = await opened.issue();
      const foreign = { reason: "other_browser", triesLeft: 0 };
      expect(await refusal(opened.check(proof, from))).toEqual(foreign);
      for (let n = 0; n < 6; n++)
        expect(await refusal(opened.check({ id: proof.id, code: wrong(proof.code) }, from))).toEqual(foreign);
      expect(await refusal(opened.proofs.find(proof.id, from))).toEqual(foreign);
      await opened.check(proof);
    },
  );

  it("[S104] of a client without cookies is bound to its ID", async () => {
    await using opened = await open();
    const proof = await opened.issue({ browser: null });
    expect(await opened.check(proof, null)).toMatchObject({ id: proof.id });
    expect(await refusal(opened.check({ ...proof, id: "another" }, null))).toEqual({ reason: "expired", triesLeft: 0 });
    // Whoever reads the mail does not learn the ID.
    expect(await opened.proofs.read(proof.secret, null)).toMatchObject({ proofId: null });
  });

  it("[S71] [S104] of one purpose is none of another", async () => {
    await using opened = await open();
    const proof = await opened.issue();
    for (const purpose of ["recovery", "email_change"] as const)
      expect(await refusal(opened.proofs.check({ proofId: proof.id, code: proof.code, browser }, purpose))).toEqual({
        reason: "expired",
        triesLeft: 0,
      });
    expect(await refusal(opened.proofs.checkLink(proof.secret, "email_undo"))).toEqual({
      reason: "expired",
      triesLeft: 0,
    });
  });

  it("[S108] is cancelled by the next one of the same purpose for the same text or account, and by no other", async () => {
    await using opened = await open();
    const first = await opened.issue();
    const others = [await opened.issue({ purpose: "recovery" }), await opened.issue({ asked: "joe@example.com" })];
    const second = await opened.issue();
    expect(await refusal(opened.check(first))).toEqual({ reason: "cancelled", triesLeft: 0 });
    expect(await refusal(opened.spend(first.id))).toEqual({ reason: "cancelled", triesLeft: 0 });
    expect(await refusal(opened.proofs.read(first.secret, browser))).toEqual({ reason: "cancelled", triesLeft: 0 });
    await opened.check(second);
    expect(
      await opened.proofs.check({ proofId: others[0]?.id ?? "", code: others[0]?.code ?? "", browser }, "recovery"),
    ).toBeTruthy();
    if (others[1]) await opened.check(others[1]);
  });

  it("[S108] is cancelled with the account's others, and deleted with the account", async () => {
    await using opened = await open();
    const created = await opened.users.create({
      username: "jane",
      email: null,
      fullName: "Jane",
      role: "user",
      passwordHash: null,
    });
    const userId = created?.id ?? "";
    // By username first, then by address.
    const first = await opened.issue({ purpose: "recovery", asked: "jane", userId });
    const recovery = await opened.issue({ purpose: "recovery", userId });
    expect(await refusal(opened.proofs.find(first.id, browser))).toMatchObject({ reason: "cancelled" });
    const change = await opened.issue({ purpose: "email_change", userId });
    await opened.db
      .transaction()
      .execute((transaction) => opened.proofs.cancelWithin(transaction, userId, ["recovery"]));
    expect(await refusal(opened.proofs.find(recovery.id, browser))).toMatchObject({ reason: "cancelled" });
    expect(await refusal(opened.proofs.find(change.id, browser))).toBeNull();
    await opened.db.deleteFrom("users").where("id", "=", userId).execute();
    expect(await refusal(opened.proofs.find(change.id, browser))).toMatchObject({ reason: "expired" });
  });

  it("[S105] is read by its link any number of times, and shows its ID to the browser that asked only", async () => {
    await using opened = await open();
    const proof = await opened.issue();
    const view = { purpose: "sign_up", email: "jane@example.com", code: proof.code };
    for (let n = 0; n < 10; n++) {
      expect(await opened.proofs.read(proof.secret, browser)).toMatchObject({ ...view, proofId: proof.id });
      for (const other of [null, "another"])
        expect(await opened.proofs.read(proof.secret, other)).toMatchObject({ ...view, proofId: null });
    }
    await opened.check(proof);
    expect(await refusal(opened.proofs.read("not a secret", browser))).toEqual({ reason: "expired", triesLeft: 0 });
  });

  it("may be a link alone, which works in any browser and has no code", async () => {
    await using opened = await open();
    const link = await opened.db
      .transaction()
      .execute((transaction) => opened.proofs.issueLinkWithin(transaction, { ...signUp, purpose: "email_undo" }, 3600));
    opened.clock.advanceSeconds(3599);
    expect(await opened.proofs.read(link.secret, null)).toMatchObject({
      purpose: "email_undo",
      code: null,
      proofId: null,
    });
    expect(
      await refusal(opened.proofs.check({ proofId: link.id, code: link.code, browser: null }, "email_undo")),
    ).toEqual({
      reason: "too_many_tries",
      triesLeft: 0,
    });
    const { id } = await opened.proofs.checkLink(link.secret, "email_undo");
    await opened.spend(id);
    expect(await refusal(opened.proofs.checkLink(link.secret, "email_undo"))).toEqual({ reason: "used", triesLeft: 0 });
  });

  it("stores neither code, nor link, nor the secret of the browser", async () => {
    await using opened = await open();
    const proof = await opened.issue();
    const row = JSON.stringify(await opened.db.selectFrom("proofs").selectAll().executeTakeFirstOrThrow());
    for (const secret of [proof.code, proof.secret, browser]) expect(row).not.toContain(secret);
  });

  it("[S92] is deleted when it has expired", async () => {
    await using opened = await open();
    await opened.issue();
    await opened.issue();
    expect(await opened.proofs.deleteExpired(10)).toBe(0);
    opened.clock.advanceSeconds(proofLifetimeSeconds);
    await opened.issue();
    expect(await opened.proofs.deleteExpired(1)).toBe(1);
    expect(await opened.proofs.deleteExpired(10)).toBe(1);
    expect(await opened.proofs.deleteExpired(10)).toBe(0);
  });

  it("[S104] has codes of 34 bits, which differ", async () => {
    await using opened = await open();
    expect(Math.log2(proofCodeLetters.length ** 8)).toBeGreaterThan(34);
    const codes = [];
    for (let n = 0; n < 20; n++) codes.push((await opened.issue({ asked: `${n}` })).code);
    expect(new Set(codes).size).toBe(20);
    for (const code of codes) expect(code).toMatch(new RegExp(`^[${proofCodeLetters}]{8}$`));
  });
});

describe("a code as people type it", () => {
  const code = fc.string({ unit: fc.constantFrom(...proofCodeLetters), minLength: 8, maxLength: 8 });
  const separators = fc.array(fc.constantFrom("", " ", "-", "–", "\u00a0", ".", "\n", "\t"), {
    minLength: 9,
    maxLength: 9,
  });

  it("may be pasted with spaces and dashes, in any case", () => {
    fc.assert(
      fc.property(code, separators, fc.boolean(), (letters, between, lower) => {
        const typed = between.map((separator, n) => separator + (letters[n] ?? "")).join("");
        expect(ProofCode.parse(lower ? typed.toLowerCase() : typed)).toBe(letters);
      }),
    );
  });

  it.each(["", "BCDFGHJ", "BCDFGHJKL", "BCDFGHJA", "BCDFGHJ1", "12345678", "ＢＣＤＦＧＨＪ"])(
    "is refused without a try: %j",
    (typed) => {
      expect(ProofCode.safeParse(typed)).toMatchObject({
        success: false,
        error: { issues: [{ message: "Enter the 8 letters of the code" }] },
      });
    },
  );
});
