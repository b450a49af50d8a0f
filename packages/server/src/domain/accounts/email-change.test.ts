import { describe, expect, it, vi } from "vitest";
import { engines } from "../../../test/engines.ts";
import { grantedToken, john, testSource, typed } from "../../testing.ts";
import { goodPassword, refusalOf, startAccounts, statementsOf } from "./testing.ts";

const email = "new@example.com";

describe.each(engines)("changing the address on $engine", ({ newDatabase }) => {
  const start = async () => {
    const server = await startAccounts(newDatabase);
    const { user, session } = await server.domain.signIn.withPassword(typed(john.username, john.password));
    return {
      ...server,
      user,
      owner: { user, session },
      /** Asks for a code as this user, and reads the mail. */
      ask: async (address: string, asking = user) => {
        const { proofId } = await server.domain.emailChanges.request({ user: asking, email: address, ...server.asker });
        const { data, to } = await server.takeMail("email_change");
        expect(to).toBe(address);
        return { proofId, code: data.code };
      },
      change: (proof: { proofId: string; code: string }, as = { user, session }) =>
        server.domain.emailChanges.complete(as, { ...proof, ...server.asker }),
      /** The links that undo a change, by the address that got them. */
      takeUndo: async () =>
        (await server.takeMails()).flatMap((mail) =>
          mail.template === "email_changed" && mail.data.undoSecret !== null
            ? [{ to: mail.to, secret: mail.data.undoSecret }]
            : [],
        ),
      undo: (secret: string) => server.domain.emailChanges.undo(secret, testSource),
    };
  };

  it("[S94] changes nothing until the new address is proved, then tells both, the old one with a link to undo", async () => {
    await using server = await start();
    const proof = await server.ask(email);
    expect(await server.domain.users.find(server.user.id)).toEqual(server.user);
    expect(await server.change(proof)).toEqual({ ...server.user, email, emailVerified: true });
    const mails = (await server.takeMails()).toSorted((a, b) => a.to.localeCompare(b.to));
    const event = { username: "john", oldEmail: john.email, newEmail: email };
    expect(mails).toMatchObject([
      { template: "email_changed", to: john.email, data: { ...event, undoSecret: expect.any(String) } },
      { template: "email_changed", to: email, data: { ...event, undoSecret: null } },
    ]);
    await server.domain.signIn.withPassword(typed(email, john.password));
    expect(await refusalOf(server.domain.signIn.withPassword(typed(john.email, john.password)))).toBe(
      "INVALID_CREDENTIALS",
    );
    expect(await refusalOf(server.change(proof))).toBe("PROOF_REFUSED: used");
  });

  it("[S94] is undone by the old address for seven days, once, which ends sessions and grants and removes the password", async () => {
    await using server = await start();
    await grantedToken(server, server.user.id, ["profile:read"]);
    await server.change(await server.ask(email));
    const [undo] = await server.takeUndo();
    server.clock.advanceSeconds(7 * 24 * 3600 - 1);
    expect(await server.domain.proofs.read(undo?.secret ?? "", null)).toMatchObject({
      purpose: "email_undo",
      email: john.email,
      code: null,
    });
    const { session } = await server.domain.signIn.withPassword(typed(email, john.password));
    expect(await server.undo(undo?.secret ?? "")).toEqual({ email: john.email });
    expect(await server.domain.users.find(server.user.id)).toEqual(server.user);
    expect(await server.domain.sessions.findLive(session.id)).toBeNull();
    expect(await server.domain.grants.list(server.user.id)).toEqual([]);
    expect(await server.domain.users.hasPassword(server.user.id)).toBe(false);
    expect(await refusalOf(server.undo(undo?.secret ?? ""))).toBe("PROOF_REFUSED: used");
    await server.takeMails();
    // The owner is not locked out.
    await server.reset(await server.askToRecover(john.email));
    await server.domain.signIn.withPassword(typed("john", goodPassword));
  });

  it("[S94] is not undone after seven days", async () => {
    await using server = await start();
    await server.change(await server.ask(email));
    const [undo] = await server.takeUndo();
    server.clock.advanceSeconds(7 * 24 * 3600);
    expect(await refusalOf(server.undo(undo?.secret ?? ""))).toBe("PROOF_REFUSED: expired");
  });

  it("[S94] is undone together with later changes, whose links undo nothing then", async () => {
    await using server = await start();
    await server.change(await server.ask("thief@example.com"));
    const [first] = await server.takeUndo();
    server.clock.advanceSeconds(10);
    await server.change(await server.ask("thief2@example.com"));
    const [second] = await server.takeUndo();
    expect(second?.to).toBe("thief@example.com");
    await server.undo(first?.secret ?? "");
    expect(await refusalOf(server.undo(second?.secret ?? ""))).toBe("PROOF_REFUSED: cancelled");
    expect((await server.domain.users.find(server.user.id))?.email).toBe(john.email);
  });

  it("[S94] is undone although the thief undid their own later change first", async () => {
    await using server = await start();
    await server.change(await server.ask("thief@example.com"));
    const [first] = await server.takeUndo();
    server.clock.advanceSeconds(10);
    await server.change(await server.ask("thief2@example.com"));
    const [second] = await server.takeUndo();
    await server.undo(second?.secret ?? "");
    await server.undo(first?.secret ?? "");
    expect((await server.domain.users.find(server.user.id))?.email).toBe(john.email);
  });

  it("[S94] is completed only by the user who asked", async () => {
    await using server = await start();
    const proof = await server.ask(email);
    await server.createUser("mallory");
    const other = await server.domain.signIn.withPassword(typed("mallory", goodPassword));
    expect(await refusalOf(server.change(proof, other))).toBe("PROOF_REFUSED: other_browser");
    expect(await refusalOf(server.change(proof))).toBeNull();
  });

  it("[S108] kills the codes that the old address received", async () => {
    await using server = await start();
    const recovery = await server.askToRecover("john");
    await server.change(await server.ask(email));
    expect(await refusalOf(server.reset(recovery))).toBe("PROOF_REFUSED: cancelled");
  });

  it("[S87] is cancelled by recovery", async () => {
    await using server = await start();
    const proof = await server.ask(email);
    await server.reset(await server.askToRecover("john"));
    const { user, session } = await server.domain.signIn.withPassword(typed("john", goodPassword));
    expect(await refusalOf(server.change(proof, { user, session }))).toBe("PROOF_REFUSED: cancelled");
  });

  it("[S102] tells the owner of a taken address, and nothing to the person who asks", async () => {
    await using server = await start();
    const ann = await server.createUser("ann", { email: "ann@example.com", emailProof: "mail" });
    const { proofId } = await server.domain.emailChanges.request({
      user: server.user,
      email: "ann@example.com",
      ...server.asker,
    });
    expect(proofId).toMatch(/^[\w-]{22}$/);
    expect(await server.takeMail("account_exists")).toMatchObject({ to: "ann@example.com", userId: ann.id });
    expect(await refusalOf(server.change({ proofId, code: "BCDFGHJK" }))).toBe("PROOF_REFUSED: wrong_code");
    expect((await server.domain.users.find(ann.id))?.email).toBe("ann@example.com");
  });

  it("[S102] does the same work for free, taken and unproven addresses", async () => {
    await using server = await start();
    await server.createUser("ann", { email: "ann@example.com", emailProof: "mail" });
    await server.createUser("joe", { email: "joe@example.com" });
    const hash = vi.spyOn(server.domain.passwords, "hash");
    const work = [];
    // The first request of a user also makes a counter.
    await server.ask("first@example.com");
    for (const address of [email, "ann@example.com", "joe@example.com", john.email])
      work.push(
        await statementsOf(() =>
          server.domain.emailChanges.request({ user: server.user, email: address, ...server.newAsker() }),
        ),
      );
    for (const each of work) expect(each).toEqual(work[0]);
    expect(hash).not.toHaveBeenCalled();
  });

  it("[S95] takes an address from an account that never proved it", async () => {
    await using server = await start();
    const joe = await server.createUser("joe", { email });
    await server.change(await server.ask(email));
    expect(await server.domain.users.find(joe.id)).toMatchObject({ email: null });
  });

  it("is refused when another account proved the address meanwhile", async () => {
    await using server = await start();
    const proof = await server.ask(email);
    await server.createUser("ann", { email, emailProof: "mail" });
    expect(await refusalOf(server.change(proof))).toBe("EMAIL_TAKEN");
    expect((await server.domain.users.find(server.user.id))?.email).toBe(john.email);
  });

  it("[S94] tells the old address when the address is removed, which it can undo", async () => {
    await using server = await start();
    expect(await server.domain.emailChanges.remove(server.user, testSource)).toMatchObject({
      email: null,
      emailVerified: false,
    });
    const [undo] = await server.takeUndo();
    expect(undo?.to).toBe(john.email);
    await server.undo(undo?.secret ?? "");
    expect(await server.domain.users.find(server.user.id)).toEqual(server.user);
  });

  it("[S95] sends nothing to an old address that nobody proved", async () => {
    await using server = await start();
    await server.createUser("joe", { email: "joe@example.com" });
    const joe = await server.domain.signIn.withPassword(typed("joe", goodPassword));
    await server.change(await server.ask(email, joe.user), joe);
    expect((await server.takeMails()).map(({ to }) => to)).toEqual([email]);
  });

  it("[S103] proves the address that an account only claimed, and keeps the access by which its owner is signed in alone", async () => {
    await using server = await start();
    const joe = await server.createUser("joe", { email: "joe@example.com" });
    const identity = {
      issuer: "https://north.example",
      subject: "mallory",
      email: null,
      emailVerified: false,
      fullName: null,
      username: null,
    };
    await server.domain.identities.link(joe.id, "north", identity, testSource);
    await grantedToken(server, joe.id, ["profile:read"]);
    const other = await server.domain.signIn.withPassword(typed("joe", goodPassword));
    const here = await server.domain.signIn.withPassword(typed("joe", goodPassword));
    const proof = await server.ask("joe@example.com", joe);
    expect(await server.change(proof, here)).toMatchObject({ email: "joe@example.com", emailVerified: true });
    expect(await server.domain.sessions.findLive(other.session.id)).toBeNull();
    expect(await server.domain.sessions.findLive(here.session.id)).not.toBeNull();
    expect(await server.domain.grants.list(joe.id)).toEqual([]);
    expect(await server.domain.identities.list(joe.id)).toEqual({ hasPassword: true, identities: [] });
    expect(await server.takeMails()).toEqual([]);
  });
});
