import { describe, expect, it, vi } from "vitest";
import { engines } from "../../../test/engines.ts";
import { john, testSource, typed } from "../../testing.ts";
import { browser, goodPassword, refusalOf, startAccounts, statementsOf } from "./testing.ts";

const email = "jane@example.com";

describe.each(engines)("signing up on $engine", ({ newDatabase }) => {
  const start = (config = {}) => startAccounts(newDatabase, config);

  it("[S103] creates a user when the address is proved, and none before", async () => {
    await using server = await start();
    const before = await server.userCount();
    const proof = await server.askToSignUp(email);
    expect(await server.userCount()).toBe(before);
    const { user, accessToken, deviceToken } = await server.complete(proof, { username: "jane" });
    expect(user).toMatchObject({
      username: "jane",
      email,
      emailVerified: true,
      fullName: "Jane Roe",
      role: "user",
      disabled: false,
    });
    expect(deviceToken).toEqual(expect.any(String));
    const principal = await server.domain.guard.authenticate({ kind: "bearer", token: accessToken });
    expect(principal).toMatchObject({ kind: "firstParty", user });
    expect((await server.domain.signIn.withPassword(typed(email, goodPassword))).user).toEqual(user);
    const [created] = (await server.domain.audit.list({ userId: user.id, limit: 9 })).filter(
      ({ action }) => action === "user.create",
    );
    expect(created).toMatchObject({ detail: { by: "sign_up" } });
    expect(await refusalOf(server.complete(proof))).toBe("PROOF_REFUSED: used");
  });

  it("[S104] makes one user of two completions at once, and of fifty", async () => {
    await using server = await start();
    for (const [count, address] of [
      [2, "a@example.com"],
      [50, "b@example.com"],
    ] as const) {
      const proof = await server.askToSignUp(address);
      const outcomes = await Promise.all(
        Array.from({ length: count }, () => refusalOf(server.complete(proof, { username: `u${count}` }))),
      );
      expect(outcomes.filter((outcome) => outcome === null)).toHaveLength(1);
      for (const outcome of outcomes)
        expect([null, "PROOF_REFUSED: used", "OVERLOADED", "USERNAME_REFUSED: taken", "TOO_MANY_ATTEMPTS"]).toContain(
          outcome,
        );
      expect(await server.db.selectFrom("users").select("id").where("email", "=", address).execute()).toHaveLength(1);
    }
  });

  it("[S102] sends the address that has an account a mail that says so, with a link to recover it", async () => {
    await using server = await start();
    const { proofId } = await server.domain.registrations.request({ email: john.email, ...server.asker });
    expect(proofId).toMatch(/^[\w-]{22}$/);
    const mail = await server.takeMail("account_exists");
    expect(mail).toMatchObject({ to: john.email, data: { username: "john" } });
    expect(JSON.stringify(mail)).not.toContain("code");
    expect(await refusalOf(server.complete({ proofId, code: "BCDFGHJK" }))).toBe("PROOF_REFUSED: wrong_code");
  });

  it("[S102] does the same work for known, unknown, disabled and unproven addresses", async () => {
    await using server = await start();
    await server.createUser("ann", { email: "ann@example.com" });
    const bob = await server.createUser("bob", { email: "bob@example.com", emailProof: "mail" });
    await server.domain.accounts.disable(bob.id, testSource);
    const hash = vi.spyOn(server.domain.passwords, "hash");
    const addresses = [email, john.email, "ann@example.com", "bob@example.com"];
    const work = [];
    for (const address of addresses) {
      work.push(
        await statementsOf(() => server.domain.registrations.request({ email: address, ...server.newAsker() })),
      );
    }
    expect(work[0]?.length).toBeGreaterThan(5);
    for (const each of work) expect(each).toEqual(work[0]);
    expect(hash).not.toHaveBeenCalled();
    // A wrong code, too.
    const wrong = [];
    for (const address of addresses) {
      const { proofId } = await server.domain.registrations.request({ email: address, ...server.asker });
      wrong.push(await statementsOf(() => refusalOf(server.complete({ proofId, code: "BCDFGHJK" }))));
    }
    for (const each of wrong) expect(each).toEqual(wrong[0]);
    expect(hash).not.toHaveBeenCalled();
  });

  it("[S106] sends five mails an hour to one address at most, whoever asks, and for whatever", async () => {
    await using server = await start();
    const ask = (address: string, from: number) =>
      server.domain.registrations.request({
        email: address,
        browser: `${from}`,
        source: { ...testSource, address: `198.51.100.${from}` },
      });
    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, from) => refusalOf(ask(email, from))));
    expect(outcomes.filter((outcome) => outcome === null)).toHaveLength(5);
    expect(outcomes.filter((outcome) => outcome === "TOO_MANY_ATTEMPTS")).toHaveLength(15);
    expect(await server.takeMails()).toHaveLength(5);
    // By its username and its address, and to sign up: three names for one mailbox.
    for (const login of [john.username, john.email])
      for (let n = 0; n < 5; n++) await refusalOf(server.domain.recovery.request({ login, ...server.asker }));
    for (let n = 0; n < 5; n++) await refusalOf(ask(john.email, n));
    expect(await server.takeMails()).toHaveLength(5);
    server.clock.advanceSeconds(3600);
    expect(await refusalOf(ask(email, 30))).toBeNull();
    expect(await server.takeMails()).toHaveLength(1);
  });

  it("[S92] limits what one network can ask for", async () => {
    await using server = await start();
    const outcomes = [];
    for (let n = 0; n < 40; n++)
      outcomes.push(
        await refusalOf(server.domain.registrations.request({ email: `u${n}@example.com`, ...server.asker })),
      );
    expect(outcomes.slice(0, 30).every((outcome) => outcome === null)).toBe(true);
    expect(outcomes.slice(31)).toContain("TOO_MANY_ATTEMPTS");
    server.clock.advanceSeconds(601);
    await server.domain.upkeep.once();
    expect(await server.db.selectFrom("proofs").select("id").execute()).toEqual([]);
  });

  it("[S104] accepts the code of the browser that asked only", async () => {
    await using server = await start();
    const proof = await server.askToSignUp(email);
    for (const other of [null, "another browser"])
      expect(await refusalOf(server.complete(proof, { browser: other }))).toBe("PROOF_REFUSED: other_browser");
    expect(await refusalOf(server.complete(proof, { browser }))).toBeNull();
  });

  it("[S108] accepts the code of the last request only", async () => {
    await using server = await start();
    const first = await server.askToSignUp(email);
    const second = await server.askToSignUp(email);
    expect(await refusalOf(server.complete(first))).toBe("PROOF_REFUSED: cancelled");
    expect(await refusalOf(server.complete(second))).toBeNull();
  });

  it("keeps the proof when the password or the username is refused", async () => {
    await using server = await start();
    const proof = await server.askToSignUp(email);
    expect(await refusalOf(server.complete(proof, { password: "short" }))).toBe("PASSWORD_REFUSED: too_short");
    expect(await refusalOf(server.complete(proof, { username: "john" }))).toBe("USERNAME_REFUSED: taken");
    expect(await refusalOf(server.complete(proof, { username: "jane" }))).toBeNull();
  });

  it("[S103] takes the address from an account that never proved it, and gives it nothing of that account", async () => {
    await using server = await start();
    const mallory = await server.createUser("mallory", { email });
    const { user } = await server.complete(await server.askToSignUp(email));
    expect(user.id).not.toBe(mallory.id);
    expect(await server.domain.users.find(mallory.id)).toMatchObject({ email: null, emailVerified: false });
    expect((await server.domain.users.findByLogin(email))?.user.id).toBe(user.id);
    expect(await refusalOf(server.domain.signIn.withPassword(typed(email, "mallory's password")))).toBe(
      "INVALID_CREDENTIALS",
    );
    const [entry] = await server.domain.audit.list({ userId: mallory.id, limit: 1 });
    expect(entry).toMatchObject({ action: "user.change_email", detail: { reason: "proved_by_another" } });
  });

  it("refuses an address that another account proved meanwhile", async () => {
    await using server = await start();
    const proof = await server.askToSignUp(email);
    await server.createUser("jane", { email, emailProof: "mail" });
    expect(await refusalOf(server.complete(proof))).toBe("EMAIL_TAKEN");
  });

  it.each([
    ["admin", "reserved"],
    ["ad.min", "reserved"],
    ["adrnin", "reserved"],
    ["supp0rt", "reserved"],
    ["lockstep", "reserved"],
    ["john", "taken"],
    ["j0hn", "look_alike"],
  ])("refuses the username %s, which is %s, and suggests another", async (username, reason) => {
    await using server = await start();
    const proof = await server.askToSignUp(email);
    const refused = await server.complete(proof, { username }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "USERNAME_REFUSED", details: { reason } });
    const { suggestion } = (refused as { details: { suggestion: string } }).details;
    expect((await server.complete(proof, { username: suggestion })).user.username).toBe(suggestion);
  });

  it("[S99] gives one of two look-alikes that are chosen at once, and tells the other why", async () => {
    await using server = await start();
    const names = ["modern.1o", "rnodern.lo", "modern.lo"];
    const asked = [];
    for (const username of names)
      asked.push({ username, proof: await server.askToSignUp(`${asked.length}@example.com`) });
    const outcomes = await Promise.all(
      asked.map(({ username, proof }) => refusalOf(server.complete(proof, { username }))),
    );
    expect(outcomes.toSorted()).toEqual(["USERNAME_REFUSED: look_alike", "USERNAME_REFUSED: look_alike", null]);
    // Operators choose freely.
    const chosen = await server.createUser(names[outcomes.indexOf(null) === 0 ? 1 : 0] ?? "");
    expect(chosen.username).toMatch(/odern/);
  });

  it("limits the usernames that one proof can try", async () => {
    await using server = await start();
    const proof = await server.askToSignUp(email);
    const outcomes = [];
    for (let n = 0; n < 12; n++) outcomes.push(await refusalOf(server.complete(proof, { username: "john" })));
    expect(outcomes.at(-1)).toBe("TOO_MANY_ATTEMPTS");
  });

  it("makes a username from the name, never from the address", async () => {
    await using server = await start();
    const names = [];
    for (const [n, fullName] of ["Zoë Ångström", "John", "日本", "Zoë Ångström"].entries())
      names.push(
        (await server.complete(await server.askToSignUp(`secret-${n}@example.com`), { fullName })).user.username,
      );
    expect(names).toEqual([
      "zoe.angstrom",
      expect.stringMatching(/^john-[a-z0-9]{6}$/),
      expect.stringMatching(/^user(-[a-z0-9]{6})?$/),
      expect.stringMatching(/^zoe\.angstrom-[a-z0-9]{6}$/),
    ]);
  });

  it("is off, invited only, or for some domains, as the settings say", async () => {
    {
      await using server = await start({ signUp: { policy: "off", domains: null } });
      expect(await refusalOf(server.domain.registrations.request({ email, ...server.asker }))).toBe(
        "SIGN_UP_REFUSED: off",
      );
    }
    {
      await using server = await start({ signUp: { policy: "open", domains: ["example.org"] } });
      for (const address of [email, "a@sub.example.org", "example.org@evil.example"])
        expect(await refusalOf(server.domain.registrations.request({ email: address, ...server.asker }))).toBe(
          "SIGN_UP_REFUSED: domain",
        );
      await server.complete(await server.askToSignUp("jane@example.org"));
    }
  });

  it("[S102] sends a code to invited addresses only, with the same answer and work for others", async () => {
    await using server = await start({ signUp: { policy: "invited", domains: null } });
    await server.domain.signUpRules.invite(email, "admin", testSource);
    expect(await server.takeMail("invitation")).toMatchObject({ to: email });
    const work = [];
    for (const address of [email, "stranger@example.com", john.email]) {
      work.push(
        await statementsOf(() => server.domain.registrations.request({ email: address, ...server.newAsker() })),
      );
    }
    for (const each of work) expect(each).toEqual(work[0]);
    expect((await server.takeMails()).map(({ template, to }) => `${template} ${to}`).toSorted()).toEqual([
      `account_exists ${john.email}`,
      `sign_up ${email}`,
    ]);
    const proof = await server.askToSignUp(email);
    expect((await server.complete(proof)).user.role).toBe("admin");
    expect(await server.db.selectFrom("invitations").selectAll().execute()).toEqual([]);
  });

  it("refuses an invitation that has expired, also after the code was sent", async () => {
    await using server = await start({ signUp: { policy: "invited", domains: null } });
    await server.domain.signUpRules.invite(email, "user", testSource);
    await server.takeMails();
    server.clock.advanceSeconds(7 * 24 * 3600 - 60);
    const proof = await server.askToSignUp(email);
    server.clock.advanceSeconds(61);
    expect(await refusalOf(server.complete(proof))).toBe("SIGN_UP_REFUSED: not_invited");
    await server.domain.registrations.request({ email, ...server.asker });
    expect(await server.takeMails()).toEqual([]);
    expect(await server.domain.signUpRules.deleteExpired(10)).toBe(1);
  });

  it("needs mail", async () => {
    await using server = await start({
      mail: { on: false, server: null, from: { name: null, address: "a@b.example" } },
    });
    expect(await refusalOf(server.domain.registrations.request({ email, ...server.asker }))).toBe("MAIL_OFF");
  });
});
