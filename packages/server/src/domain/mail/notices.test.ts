import { describe, expect, it } from "vitest";
import { engines } from "../../../test/engines.ts";
import { john, signInAs, startTestServer, testClock, testSource, typed } from "../../testing.ts";
import { commandLine } from "../kernel/audit.ts";
import { completeOnly } from "../sessions/sign-in.ts";

const newPassword = "correct horse battery staple";
/** The domain reads no other settings of an identity provider. */
const north = {
  name: "north",
  label: "North",
  create: "always",
  endSession: false,
  freshness: "prompt_login",
  protocol: "openid",
  issuer: "https://north.example",
  discoveryUrl: null,
  clientId: "x",
  clientSecret: null,
  clientAuthentication: null,
  scopes: ["openid"],
  allowPrivateAddresses: false,
} as const;
const verified = (subject: string, email: string | null = null) => ({
  rules: north,
  identity: {
    issuer: north.issuer,
    subject,
    email,
    emailVerified: email !== null,
    fullName: null,
    username: subject,
  },
  providerSession: { sessionId: null, idToken: null },
  authenticatedAt: null,
});

describe.each(engines)("notices on $engine", ({ newDatabase }) => {
  const start = async (config: Parameters<typeof startTestServer>[0] = {}) => {
    const database = await newDatabase("migrated");
    const clock = testClock();
    const server = await startTestServer({
      databaseUrl: database.url,
      now: clock.now,
      ...config,
      config: { providers: [north], ...config.config },
    });
    const owner = async () => {
      const { user } = await signInAs(server);
      const [session] = await server.domain.sessions.list(user.id);
      const live = await server.domain.sessions.findLive(session?.id ?? "");
      if (!live) throw new Error("john is signed in");
      return live;
    };
    const { user, session } = await owner();
    let seen = (await server.mails()).length;
    clock.advanceSeconds(1);
    return {
      ...server,
      clock,
      user,
      session,
      /** The mails since the last call, oldest first. */
      async newMails() {
        const mails = (await server.mails()).reverse().slice(seen);
        seen += mails.length;
        clock.advanceSeconds(1);
        return mails.map(({ to, subject, text }) => ({ to, subject, text }));
      },
      async [Symbol.asyncDispose]() {
        await server.close();
        await database.drop();
      },
    };
  };

  it("[S73] tell an account's owner about a changed, a first and an administrator's password, with what to do", async () => {
    await using server = await start();
    const { passwordChange, users } = server.domain;
    await passwordChange.byOwner(server, { currentPassword: john.password, newPassword }, testSource);
    expect(await server.newMails()).toEqual([
      {
        to: john.email,
        subject: "Your Lockstep password was changed",
        text: expect.stringMatching(
          /Account: john\nTime: .* UTC\nIP address: 192\.0\.2\.1\nDevice: a test[\s\S]*If you did not, [\s\S]*http:\/\/localhost:3000\/password/,
        ),
      },
    ]);
    await passwordChange.byAdministrator(server.user.id, await server.domain.passwords.hash("x"), commandLine);
    expect(await server.newMails()).toMatchObject([
      { to: john.email, subject: "An administrator set a new Lockstep password for you" },
    ]);
    const { user, session } = completeOnly(
      await server.domain.identitySignIn.signIn(verified("ada", "ada@example.org"), testSource),
    );
    await server.newMails();
    await passwordChange.setFirst({ user, session }, { newPassword }, testSource);
    expect(await server.newMails()).toMatchObject([
      { to: "ada@example.org", subject: "Your Lockstep account has a password now" },
    ]);
    expect(await users.hasPassword(user.id)).toBe(true);
  });

  it("[S73] tell the old and the new address about a changed address, and the old one about a removed address", async () => {
    await using server = await start();
    const { accounts, emailChanges } = server.domain;
    const asker = { browser: null, source: testSource };
    const { proofId } = await emailChanges.request({ user: server.user, email: "jd@example.org", ...asker });
    const [sent] = await server.newMails();
    const code = /[A-Z]{4}-[A-Z]{4}/.exec(sent?.text ?? "")?.[0].replace("-", "") ?? "";
    await emailChanges.complete({ user: server.user, session: server.session }, { proofId, code, ...asker });
    const text = expect.stringContaining("Old address: john@example.com\nNew address: jd@example.org");
    const subject = "The e-mail address of your Lockstep account was changed";
    const mails = (await server.newMails()).sort((one, other) => one.to.localeCompare(other.to));
    expect(mails).toEqual([
      { to: "jd@example.org", subject, text },
      { to: john.email, subject, text },
    ]);
    expect(mails.map((mail) => mail.text.includes("/proof#"))).toEqual([false, true]);
    await accounts.update(server.user.id, { fullName: "J. Doe" }, testSource);
    expect(await server.newMails()).toEqual([]);
    await emailChanges.remove(server.user, testSource);
    expect(await server.newMails()).toMatchObject([{ to: "jd@example.org", subject }]);
  });

  it("[S73] tell about an identity that is linked or unlinked, once for each", async () => {
    await using server = await start();
    const { identitySignIn, identities, passwordChange } = server.domain;
    const link = (subject: string) => identitySignIn.link(verified(subject), server.session, testSource);
    await link("one");
    await link("one");
    expect(await server.newMails()).toMatchObject([
      { to: john.email, subject: "North can sign in to your Lockstep account" },
    ]);
    await link("two");
    await link("three");
    await server.newMails();
    const { identities: linked } = await identities.list(server.user.id);
    const [one, two] = linked.map(({ id }) => id);
    await identities.unlink(server.user, one ?? "", server.session.id, testSource);
    const unlinked = { to: john.email, subject: "North was unlinked from your Lockstep account" };
    expect(await server.newMails()).toMatchObject([unlinked]);
    const change = { currentPassword: john.password, newPassword, unlinkIdentities: [two ?? ""] };
    await passwordChange.byOwner(server, change, testSource);
    expect((await server.newMails()).map(({ subject }) => subject).sort()).toEqual([
      unlinked.subject,
      "Your Lockstep password was changed",
    ]);
  });

  it("[S73] tell about a sign-in from a device without a device token, and about no other", async () => {
    await using server = await start();
    const { signIn } = server.domain;
    const from = (userAgent: string, deviceToken: string | null = null) =>
      signIn.withPassword({
        ...typed(john.username, john.password),
        source: { ...testSource, address: "198.51.100.9", userAgent },
        deviceToken,
      });
    const { deviceToken } = await from("a phone");
    expect(await server.newMails()).toMatchObject([
      {
        to: john.email,
        subject: "New sign-in to your Lockstep account",
        text: expect.stringContaining("198.51.100.9"),
      },
    ]);
    await from("a phone", deviceToken);
    await from("another browser", deviceToken);
    expect(await server.newMails()).toEqual([]);
    await from("a phone", `${deviceToken}x`);
    // The same program in the same network was told today.
    expect(await server.newMails()).toEqual([]);
    await from("a laptop");
    expect(await server.newMails()).toHaveLength(1);
    server.clock.advanceSeconds(24 * 60 * 60);
    await from("a phone");
    expect(await server.newMails()).toHaveLength(1);
    // A refused sign-in is no sign-in.
    const wrong = { ...typed(john.username, "wrong"), source: { ...testSource, userAgent: "a thief" } };
    await expect(signIn.withPassword(wrong)).rejects.toMatchObject({ code: "INVALID_CREDENTIALS" });
    expect(await server.newMails()).toEqual([]);
  });

  it("[S73] tell about a sign-in with an identity provider from a new device", async () => {
    await using server = await start();
    const signIn = (userAgent: string, deviceToken: string | null = null) =>
      server.domain.identitySignIn
        .signIn(
          verified("ada", "ada@example.org"),
          { ...testSource, userAgent },
          { replaces: null, deviceToken, secret: null },
        )
        .then(completeOnly);
    const { deviceToken } = await signIn("a phone");
    expect(await server.newMails()).toMatchObject([
      { to: "ada@example.org", subject: expect.stringContaining("New sign-in") },
    ]);
    await signIn("a phone that was updated", deviceToken);
    expect(await server.newMails()).toEqual([]);
    await signIn("a laptop");
    expect(await server.newMails()).toHaveLength(1);
  });

  it("are not sent when the change is undone, to an account without an address, and when mail is off", async () => {
    await using server = await start();
    const { notices, messages, passwordChange, users } = server.domain;
    const wrong = { currentPassword: "wrong", newPassword };
    await expect(passwordChange.byOwner(server, wrong, testSource)).rejects.toMatchObject({
      code: "INVALID_CREDENTIALS",
    });
    const short = { currentPassword: john.password, newPassword: "short" };
    await expect(passwordChange.byOwner(server, short, testSource)).rejects.toMatchObject({ code: "PASSWORD_REFUSED" });
    for (const email of [null, "not an address", "two@example.org, three@example.org"]) {
      const user = await users.create({
        username: `user${email?.length ?? ""}`,
        email,
        fullName: "A user",
        role: "user",
        passwordHash: null,
      });
      await notices.tell(user?.id ?? "", "password_changed", {}, testSource, server.db);
    }
    await notices.tell("nobody", "password_changed", {}, testSource, server.db);
    expect(await server.newMails()).toEqual([]);
    expect(await messages.list({ state: "waiting", limit: 9 })).toEqual([]);

    await using off = await start({
      config: { mail: { on: false, server: null, from: { name: null, address: "no-reply@lockstep.example" } } },
    });
    await off.domain.passwordChange.byOwner(off, { currentPassword: john.password, newPassword }, testSource);
    expect(await off.db.selectFrom("messages").selectAll().execute()).toEqual([]);
  });
});
