import { describe, expect, it, vi } from "vitest";
import { engines } from "../../../test/engines.ts";
import { grantedToken, john, testSource, typed } from "../../testing.ts";
import { goodPassword, refusalOf, startAccounts, statementsOf } from "./testing.ts";

const newPassword = "another fine pass phrase 77";

describe.each(engines)("recovering an account on $engine", ({ newDatabase }) => {
  const start = () => startAccounts(newDatabase);

  it.each([john.username, john.email, " JOHN@Example.com "])(
    "[S71] sets a new password, found by %j",
    async (login) => {
      await using server = await start();
      const proof = await server.askToRecover(login);
      expect(proof.to).toBe(john.email);
      const { deviceToken } = await server.reset(proof, newPassword);
      expect(deviceToken).toEqual(expect.any(String));
      expect(await refusalOf(server.domain.signIn.withPassword(typed("john", john.password)))).toBe(
        "INVALID_CREDENTIALS",
      );
      await server.domain.signIn.withPassword(typed("john", newPassword));
      // Once only.
      expect(await refusalOf(server.reset(proof))).toBe("PROOF_REFUSED: used");
      await server.domain.signIn.withPassword(typed("john", newPassword));
    },
  );

  it("[S87] ends every session and grant, and [S107] tells the owner", async () => {
    await using server = await start();
    const { user, session } = await server.domain.signIn.withPassword(typed("john", john.password));
    await grantedToken(server, user.id, ["profile:read"]);
    await server.reset(await server.askToRecover("john"), newPassword);
    expect(await server.domain.sessions.endReason(session.id)).toBe("password_changed");
    expect(await server.domain.grants.list(user.id)).toEqual([]);
    expect(await server.takeMail("password_changed")).toMatchObject({ to: john.email, userId: user.id });
    const actions = (await server.domain.audit.list({ userId: user.id, limit: 9 })).map(({ action }) => action);
    expect(actions).toContain("password.reset");
  });

  it("[S71] does not sign in", async () => {
    await using server = await start();
    await server.reset(await server.askToRecover("john"), newPassword);
    expect(await server.db.selectFrom("sessions").select("id").execute()).toEqual([]);
  });

  it("sets the first password of an account that has none, and says so", async () => {
    await using server = await start();
    const user = await server.domain.users.create({
      username: "ada",
      email: "ada@example.org",
      emailProof: "mail",
      fullName: "Ada",
      role: "user",
      passwordHash: null,
    });
    await server.reset(await server.askToRecover("ada"), newPassword);
    expect(await server.takeMail("password_created")).toMatchObject({ to: "ada@example.org" });
    expect((await server.domain.signIn.withPassword(typed("ada", newPassword))).user.id).toBe(user?.id);
  });

  it("[S103] removes the identities that were linked before the address was first proved by mail", async () => {
    await using server = await start();
    const ada = await server.createUser("ada", { email: "ada@example.org", emailProof: "vouched" });
    const identity = {
      issuer: "https://north.example",
      subject: "mallory",
      email: null,
      emailVerified: false,
      fullName: null,
      username: null,
    };
    await server.domain.identities.link(ada.id, "north", identity, testSource);
    await server.reset(await server.askToRecover("ada"), newPassword);
    expect((await server.domain.identities.list(ada.id)).identities).toEqual([]);
    // From then on, the address is proved: identities that its owner links stay.
    await server.domain.identities.link(ada.id, "north", identity, testSource);
    await server.takeMails();
    await server.reset(await server.askToRecover("ada"), goodPassword);
    expect((await server.domain.identities.list(ada.id)).identities).toHaveLength(1);
  });

  it("[S102] answers alike, with the same work, for unknown, disabled and unproven accounts, and mails none of them", async () => {
    await using server = await start();
    await server.createUser("ann", { email: "ann@example.com" });
    await server.createUser("none");
    const bob = await server.createUser("bob", { email: "bob@example.com", emailProof: "mail" });
    await server.domain.accounts.disable(bob.id, testSource);
    const hashing = [vi.spyOn(server.domain.passwords, "hash"), vi.spyOn(server.domain.passwords, "verify")];
    const logins = ["john", "nobody", "ann", "none", "bob"];
    const requests = [];
    const completions = [];
    const resends = [];
    for (const login of logins) {
      let proofId = "";
      requests.push(
        await statementsOf(async () => {
          proofId = (await server.domain.recovery.request({ login, ...server.newAsker() })).proofId;
        }),
      );
      expect(proofId).toMatch(/^[\w-]{22}$/);
      completions.push(
        await statementsOf(async () => {
          expect(await refusalOf(server.reset({ proofId, code: "BCDFGHJK" }))).toBe("PROOF_REFUSED: wrong_code");
        }),
      );
      const proof = await server.domain.proofs.find(proofId, server.asker.browser);
      resends.push(await statementsOf(() => server.domain.recovery.requestAgain(proof, server.newAsker())));
    }
    for (const work of [requests, completions, resends]) {
      expect(work[0]?.length).toBeGreaterThan(1);
      for (const each of work) expect(each).toEqual(work[0]);
    }
    for (const each of hashing) expect(each).not.toHaveBeenCalled();
    expect((await server.takeMails()).map(({ to }) => to)).toEqual([john.email, john.email]);
    // By address, too.
    const byAddress = [];
    for (const login of [john.email, "nobody@example.com", "ann@example.com"])
      byAddress.push(await statementsOf(() => server.domain.recovery.request({ login, ...server.newAsker() })));
    for (const each of byAddress) expect(each).toEqual(byAddress[0]);
  });

  it("[S108] refuses the code of an account that was disabled, or whose address changed, since it was sent", async () => {
    await using server = await start();
    const john = (await server.domain.users.findByLogin("john"))?.user;
    const proof = await server.askToRecover("john");
    await server.domain.accounts.disable(john?.id ?? "", testSource);
    expect(await refusalOf(server.reset(proof))).toBe("PROOF_REFUSED: expired");
    await server.domain.accounts.enable(john?.id ?? "", testSource);
    await server.domain.users.setEmail(john?.id ?? "", { email: "new@example.com", proof: "mail" });
    expect(await refusalOf(server.reset(proof))).toBe("PROOF_REFUSED: expired");
    const again = await server.askToRecover("john");
    expect(again.to).toBe("new@example.com");
    await server.db
      .deleteFrom("users")
      .where("id", "=", john?.id ?? "")
      .execute();
    expect(await refusalOf(server.reset(again))).toBe("PROOF_REFUSED: expired");
  });

  it("[S71] [S104] is completed by no other proof, not even of the same address", async () => {
    await using server = await start();
    const signUp = await server.askToSignUp("jane@example.com");
    expect(await refusalOf(server.reset(signUp))).toBe("PROOF_REFUSED: expired");
    const { user } = await server.complete(signUp);
    const { proofId } = await server.domain.emailChanges.request({ user, email: "jane@example.org", ...server.asker });
    const { data } = await server.takeMail("email_change");
    expect(await refusalOf(server.reset({ proofId, code: data.code }))).toBe("PROOF_REFUSED: expired");
  });

  it("[S104] is done by one of two completions at once", async () => {
    await using server = await start();
    const proof = await server.askToRecover("john");
    const outcomes = await Promise.all([1, 2].map((n) => refusalOf(server.reset(proof, `${newPassword} ${n}`))));
    expect(outcomes.toSorted()).toEqual(["PROOF_REFUSED: used", null]);
  });

  it("keeps the code when the new password is refused", async () => {
    await using server = await start();
    const proof = await server.askToRecover("john");
    expect(await refusalOf(server.reset(proof, "short"))).toBe("PASSWORD_REFUSED: too_short");
    expect(await refusalOf(server.reset(proof, newPassword))).toBeNull();
  });

  it("lets the owner in on the device that recovered the account, while it is attacked", async () => {
    await using server = await start();
    for (let n = 0; n < 8; n++) await refusalOf(server.domain.signIn.withPassword(typed("john", "guess")));
    const { deviceToken } = await server.reset(await server.askToRecover("john"), newPassword);
    expect(await refusalOf(server.domain.signIn.withPassword(typed("john", newPassword)))).toBe("TOO_MANY_ATTEMPTS");
    await server.domain.signIn.withPassword({ ...typed("john", newPassword), deviceToken });
  });
});
