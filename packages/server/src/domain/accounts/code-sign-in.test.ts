import { describe, expect, it } from "vitest";
import { engines } from "../../../test/engines.ts";
import { john, testSource, typed } from "../../testing.ts";
import { claimsOf } from "../factors/assurance.ts";
import { goodPassword, refusalOf, startAccounts, statementsOf } from "./testing.ts";

/** Codes are random: none in a test is this one. */
const wrongCode = "BCDFGHJK";

describe.each(engines)("signing in with a code on $engine", ({ newDatabase }) => {
  const start = (config = {}) => startAccounts(newDatabase, { signInCode: true, ...config });
  type Server = Awaited<ReturnType<typeof start>>;

  /** Five wrong passwords, each from another network. */
  const attack = async ({ domain }: Server, username: string) => {
    for (let n = 0; n < 5; n++)
      await refusalOf(
        domain.signIn.withPassword({
          ...typed(username, "not the password"),
          source: { ...testSource, address: `203.0.113.${n}` },
        }),
      );
  };

  it.each([john.username, john.email, " JOHN@Example.com "])("starts a session, found by %j", async (login) => {
    await using server = await start();
    const proof = await server.askToSignIn(login);
    expect(proof.to).toBe(john.email);
    const { user, accessToken, deviceToken } = await server.signInWith(proof);
    expect(user.username).toBe("john");
    expect(deviceToken).toEqual(expect.any(String));
    const principal = await server.domain.guard.authenticate({ kind: "bearer", token: accessToken });
    expect(principal).toMatchObject({ kind: "firstParty", user: { id: user.id } });
    const [entry] = await server.domain.audit.list({ userId: user.id, limit: 1 });
    expect(entry).toMatchObject({ action: "sign_in", outcome: "done", detail: { method: "email" } });
    // Once only.
    expect(await refusalOf(server.signInWith(proof))).toBe("PROOF_REFUSED: used");
  });

  it("[S76] [S111] is recorded as a mail alone, and stands in for no password", async () => {
    await using server = await start();
    const { user, session, accessToken } = await server.signInWith(await server.askToSignIn("john"));
    expect(claimsOf(session)).toMatchObject({ acr: "1fa", amr: [] });
    expect(await server.domain.guard.authenticate({ kind: "bearer", token: accessToken })).toMatchObject({
      session: { factors: session.factors },
    });
    const byPassword = await server.domain.signIn.withPassword(typed("john", john.password));
    expect(claimsOf(byPassword.session)).toMatchObject({ acr: "1fa", amr: ["pwd"] });
    const change = { currentPassword: "a guess", newPassword: goodPassword };
    expect(await refusalOf(server.domain.passwordChange.byOwner({ user, session }, change, testSource))).toBe(
      "INVALID_CREDENTIALS",
    );
  });

  it("[S69] [S95] [S102] answers alike, with the same work, whoever is asked for, and mails verified addresses only", async () => {
    await using server = await start();
    await server.createUser("ann", { email: "ann@example.com" });
    await server.createUser("none");
    const bob = await server.createUser("bob", { email: "bob@example.com", emailProof: "mail" });
    await server.domain.accounts.disable(bob.id, testSource);
    const requests = [];
    const completions = [];
    const resends = [];
    for (const login of ["john", "nobody", "ann", "none", "bob"]) {
      let proofId = "";
      const asker = server.newAsker();
      requests.push(
        await statementsOf(async () => {
          proofId = (await server.domain.codeSignIn.request({ login, ...asker })).proofId;
        }),
      );
      expect(proofId).toMatch(/^[\w-]{22}$/);
      const given = { proofId, code: wrongCode, deviceToken: null, replaces: null, ...asker };
      completions.push(
        await statementsOf(async () => {
          expect(await refusalOf(server.domain.codeSignIn.complete(given))).toBe("PROOF_REFUSED: wrong_code");
        }),
      );
      const proof = await server.domain.proofs.find(proofId, asker.browser);
      resends.push(await statementsOf(() => server.domain.codeSignIn.requestAgain(proof, server.newAsker())));
    }
    for (const work of [requests, completions, resends]) {
      expect(work[0]?.length).toBeGreaterThan(3);
      for (const each of work) expect(each).toEqual(work[0]);
    }
    expect((await server.takeMails()).map(({ to }) => to)).toEqual([john.email, john.email]);
  });

  it("[S67] [S89] counts wrong codes and wrong passwords together, whoever is named, and costs no try while one must wait", async () => {
    await using server = await start();
    await server.createUser("ann", { email: "ann@example.com" });
    const bob = await server.createUser("bob", { email: "bob@example.com", emailProof: "mail" });
    await server.domain.accounts.disable(bob.id, testSource);
    for (const login of ["john", "nobody", "ann", "bob"]) {
      const { proofId } = await server.domain.codeSignIn.request({ login, ...server.newAsker() });
      await attack(server, login);
      expect(await refusalOf(server.signInWith({ proofId, code: wrongCode }))).toBe("TOO_MANY_ATTEMPTS");
    }
    const mail = (await server.takeMails()).find(({ template }) => template === "sign_in");
    if (mail?.template !== "sign_in") throw new Error("There is no mail with the code");
    const proofs = await server.db.selectFrom("proofs").select("tries_left").execute();
    expect(proofs.map(({ tries_left }) => tries_left)).toEqual([5, 5, 5, 5]);
    // And the other way around.
    server.clock.advanceSeconds(24 * 3600 + 1);
    for (const login of ["john", "nobody", "ann", "bob"]) {
      const { proofId } = await server.domain.codeSignIn.request({ login, ...server.newAsker() });
      for (let n = 0; n < 5; n++) {
        const given = { proofId, code: wrongCode, deviceToken: null, replaces: null, ...server.newAsker() };
        expect(await refusalOf(server.domain.codeSignIn.complete(given))).toBe("PROOF_REFUSED: wrong_code");
      }
      const other = { ...typed(login, john.password), source: server.newAsker().source };
      expect(await refusalOf(server.domain.signIn.withPassword(other))).toBe("TOO_MANY_ATTEMPTS");
    }
  });

  it("[S67] starts the account's counter again when the code is right, and counts no refusal of another kind", async () => {
    await using server = await start();
    const proof = await server.askToSignIn("john");
    for (let n = 0; n < 4; n++)
      expect(await refusalOf(server.signInWith({ ...proof, code: wrongCode }))).toBe("PROOF_REFUSED: wrong_code");
    await server.signInWith(proof);
    // None of these is a guess.
    for (let n = 0; n < 9; n++) expect(await refusalOf(server.signInWith(proof))).toBe("PROOF_REFUSED: used");
    const next = await server.askToSignIn("john");
    for (let n = 0; n < 4; n++) await refusalOf(server.signInWith({ ...next, code: wrongCode }));
    expect(await refusalOf(server.signInWith(next))).toBeNull();
    const spent = await server.askToSignIn("john");
    await server.db.updateTable("proofs").set({ tries_left: 0 }).where("id", "=", spent.proofId).execute();
    for (let n = 0; n < 9; n++) expect(await refusalOf(server.signInWith(spent))).toBe("PROOF_REFUSED: too_many_tries");
  });

  it("[S88] lets a known device in while others attack the account, without a notice", async () => {
    await using server = await start();
    const { deviceToken } = await server.signInWith(await server.askToSignIn("john"));
    const notices = () => server.db.selectFrom("messages").select("id").where("template", "=", "new_device").execute();
    expect(await notices()).toHaveLength(1);
    const proof = await server.askToSignIn("john");
    await attack(server, "john");
    expect(await refusalOf(server.signInWith(proof))).toBe("TOO_MANY_ATTEMPTS");
    const elsewhere = { ...proof, deviceToken, replaces: null, ...server.newAsker() };
    expect(await refusalOf(server.domain.codeSignIn.complete(elsewhere))).toBeNull();
    expect(await notices()).toHaveLength(1);
  });

  it("[S108] refuses the code of an account that was disabled, deleted or recovered, or whose address changed", async () => {
    await using server = await start();
    const { users, accounts } = server.domain;
    const id = (await users.findByLogin("john"))?.user.id ?? "";
    const first = await server.askToSignIn("john");
    await accounts.disable(id, testSource);
    expect(await refusalOf(server.signInWith(first))).toBe("PROOF_REFUSED: expired");
    await accounts.enable(id, testSource);
    await users.setEmail(id, { email: "new@example.com", proof: "mail" });
    expect(await refusalOf(server.signInWith(first))).toBe("PROOF_REFUSED: expired");
    const second = await server.askToSignIn("john");
    const recovery = await server.askToRecover("john");
    await server.reset(recovery);
    expect(await refusalOf(server.signInWith(second))).toBe("PROOF_REFUSED: cancelled");
    await server.takeMails();
    const third = await server.askToSignIn("john");
    await server.db.deleteFrom("users").where("id", "=", id).execute();
    expect(await refusalOf(server.signInWith(third))).toBe("PROOF_REFUSED: expired");
  });

  it("[S104] [S108] accepts the last code, in the browser that asked, and no code of another purpose", async () => {
    await using server = await start();
    const first = await server.askToSignIn("john");
    const second = await server.askToSignIn("john@example.com");
    expect(await refusalOf(server.signInWith(first))).toBe("PROOF_REFUSED: cancelled");
    for (const other of [null, "another browser"])
      expect(await refusalOf(server.signInWith(second, { browser: other }))).toBe("PROOF_REFUSED: other_browser");
    const recovery = await server.askToRecover("john");
    expect(await refusalOf(server.signInWith(recovery))).toBe("PROOF_REFUSED: expired");
    expect(await refusalOf(server.reset(second))).toBe("PROOF_REFUSED: expired");
    const outcomes = await Promise.all([1, 2].map(() => refusalOf(server.signInWith(second))));
    expect(outcomes.toSorted()).toEqual(["PROOF_REFUSED: used", null]);
  });

  it("is off unless the setting says otherwise, also for a code that was sent before", async () => {
    await using server = await startAccounts(newDatabase);
    expect(await refusalOf(server.domain.codeSignIn.request({ login: "john", ...server.asker }))).toBe(
      "SIGN_IN_CODE_OFF",
    );
    expect(await refusalOf(server.signInWith({ proofId: "a proof", code: wrongCode }))).toBe("SIGN_IN_CODE_OFF");
    expect(server.domain.codeSignIn.on).toBe(false);
    await using mute = await start({ mail: { on: false, server: null, from: { name: null, address: "a@b.example" } } });
    expect(mute.domain.codeSignIn.on).toBe(false);
  });
});
