import { firstParty } from "@lockstep/kit";
import { describe, expect, it } from "vitest";
import { engines } from "../../../test/engines.ts";
import { john, startTestServer, testClock, testSource, typed } from "../../testing.ts";
import type { SignUpSettings } from "../accounts/sign-up-rules.ts";
import { DomainError } from "../kernel/domain-error.ts";
import { completeOnly } from "../sessions/sign-in.ts";
import type { IdentityProfile, IdentityProviderRules } from "./identities.ts";
import type { VerifiedIdentity } from "./identity-sign-in.ts";
import { LoginRefusal } from "./login-refusal.ts";

const north: IdentityProviderRules = {
  name: "north",
  label: "North",
  create: "always",
  endSession: true,
  freshness: "prompt_login",
};
const south: IdentityProviderRules = {
  ...north,
  name: "south",
  label: "South",
  endSession: false,
  freshness: "select_account",
};

/** The domain reads no other settings of an identity provider. */
const elsewhere = {
  protocol: "openid",
  issuer: "https://north.example",
  discoveryUrl: null,
  clientId: "x",
  clientSecret: null,
  clientAuthentication: null,
  scopes: ["openid"],
  allowPrivateAddresses: false,
} as const;

const verified = (subject: string, change: Partial<IdentityProfile> = {}, rules = north): VerifiedIdentity => ({
  rules,
  identity: {
    issuer: `https://${rules.name}.example`,
    subject,
    email: null,
    emailVerified: false,
    fullName: null,
    username: subject,
    ...change,
  },
  providerSession: { sessionId: `session of ${subject}`, idToken: "an ID token" },
  authenticatedAt: null,
});

const refusalOf = (call: Promise<unknown>) =>
  call.then(
    () => null,
    (error: unknown) => {
      if (error instanceof LoginRefusal) return error.problem;
      if (error instanceof DomainError) return error.code;
      throw error;
    },
  );

describe.each(engines)("a person with a verified identity, on $engine", ({ newDatabase }) => {
  const start = async (now?: () => number, signUp: SignUpSettings = { policy: "open", domains: null }) => {
    const database = await newDatabase("migrated");
    const server = await startTestServer({
      databaseUrl: database.url,
      config: { signUp, providers: [north, south].map((rules) => ({ ...elsewhere, ...rules })) },
      ...(now && { now }),
    });
    const { users, identitySignIn, identities, audit, sessions, guard } = server.domain;
    const johnsId = (await users.findByLogin(john.username))?.user.id ?? "";
    return {
      ...server,
      johnsId,
      signIn: (who: VerifiedIdentity) => identitySignIn.signIn(who, testSource).then(completeOnly),
      link: async (who: VerifiedIdentity) => {
        const { session } = await server.domain.signIn.withPassword(typed(john.username, john.password));
        await identitySignIn.link(who, session, testSource);
        return session;
      },
      unlink: async (userId: string, subject: string, keep = "") => {
        const found = await identities.find(verified(subject).identity);
        return identities.unlink({ id: userId }, found?.id ?? "none", keep, testSource);
      },
      isLive: async (sessionId: string) => (await sessions.findLive(sessionId)) !== null,
      actions: async () => (await audit.list({ limit: 100 })).map(({ action }) => action),
      guard,
      async [Symbol.asyncDispose]() {
        await server.close();
        await database.drop();
      },
    };
  };

  it("gets an account the first time, and the same one afterwards", async () => {
    await using server = await start();
    const first = await server.signIn(
      verified("ada", { email: "ada@example.org", emailVerified: true, fullName: "Ada Lovelace" }),
    );
    expect(first.user).toMatchObject({
      username: "ada",
      email: "ada@example.org",
      fullName: "Ada Lovelace",
      role: "user",
    });
    const again = await server.signIn(verified("ada", { email: "moved@example.org", fullName: "Somebody Else" }));
    expect(again.user).toEqual(first.user);
    expect(again.session.id).not.toBe(first.session.id);
    const principal = await server.guard.authenticate({ kind: "bearer", token: again.accessToken });
    expect(principal.kind).toBe("firstParty");
    expect(await server.domain.identities.list(first.user.id)).toMatchObject({
      hasPassword: false,
      identities: [
        { provider: { name: "north", label: "North", canReauthenticate: true }, email: "moved@example.org" },
      ],
    });
  });

  it("[S52] is identified by issuer and subject, never by an e-mail address", async () => {
    await using server = await start();
    const address = { email: "ada@example.org", emailVerified: true };
    const ada = await server.signIn(verified("ada", address));
    // Another person there now has the address, and the same subject at another identity provider is another person.
    expect(await refusalOf(server.signIn(verified("eve", address)))).toBe("account_exists");
    const other = await server.signIn(verified("ada", {}, south));
    expect(other.user.id).not.toBe(ada.user.id);
  });

  it("[S59] is asked to sign in and link when an account has the verified e-mail address", async () => {
    await using server = await start();
    const who = verified("eve", { email: john.email, emailVerified: true });
    expect(await refusalOf(server.signIn(who))).toBe("account_exists");
    expect(await server.domain.identities.list(server.johnsId)).toEqual({ hasPassword: true, identities: [] });
    await server.link(verified("eve", { email: john.email }));
    expect((await server.signIn(verified("eve"))).user.id).toBe(server.johnsId);
  });

  it("[S95] learns nothing about an account from an unverified e-mail address", async () => {
    await using server = await start();
    const { user } = await server.signIn(verified("eve", { email: john.email, emailVerified: false }));
    expect(user).toMatchObject({ username: "eve", email: null });
    expect((await server.domain.users.findByLogin(john.email))?.user.id).toBe(server.johnsId);
  });

  it("[S96] has no fresh sign-in when the identity provider does not say when it happened", async () => {
    await using server = await start();
    const { accessToken } = await server.signIn(verified("ada"));
    const principal = await server.domain.guard.authenticate({ kind: "bearer", token: accessToken });
    expect(() => server.domain.guard.authorize(firstParty({ maxAgeSeconds: 15 * 60 }), principal)).toThrow(
      expect.objectContaining({ code: "REAUTHENTICATION_REQUIRED" }),
    );
  });

  it("does not get an unverified e-mail address, so that its owner can use it", async () => {
    await using server = await start();
    const { user } = await server.signIn(verified("eve", { email: "ada@example.org", emailVerified: false }));
    expect(user.email).toBeNull();
    const owner = await server.signIn(verified("ada", { email: "ada@example.org", emailVerified: true }));
    expect(owner.user.email).toBe("ada@example.org");
  });

  it("gets another username when theirs is taken or invalid", async () => {
    await using server = await start();
    const taken = await server.signIn(verified("1", { username: "John" }));
    expect(taken.user.username).toMatch(/^john-[a-z0-9]{4,6}$/);
    const none = await server.signIn(verified("2", { username: "日本", fullName: "日本" }));
    expect(none.user).toMatchObject({ username: expect.stringMatching(/^user-[a-z0-9]{6}$/), fullName: "日本" });
    expect(
      (await server.signIn(verified("3", { username: null, email: "eva.braun+x@example.org" }))).user.username,
    ).toBe("eva.braunx");
  });

  it("gets no reserved username, and none that looks like another", async () => {
    await using server = await start();
    for (const username of ["admin", "Support", "j0hn"])
      expect((await server.signIn(verified(username, { username }))).user.username).toMatch(/^[a-z0-9]+-[a-z0-9]{6}$/);
    // What looks like an address becomes its local part: no username equals another person's address.
    const mail = await server.signIn(verified("mail", { username: john.email }));
    expect(mail.user.username).toMatch(/^john-[a-z0-9]{6}$/);
  });

  it("[S95] gets the address that an account never proved", async () => {
    await using server = await start();
    const claimed = { username: "claimed", email: "ada@example.org", fullName: "C", role: "user", passwordHash: null };
    const first = await server.domain.users.create(claimed);
    const { user } = await server.signIn(verified("ada", { email: "ada@example.org", emailVerified: true }));
    expect(user).toMatchObject({ email: "ada@example.org", emailVerified: true });
    expect(await server.domain.users.find(first?.id ?? "")).toMatchObject({ email: null });
  });

  it("gets no account when SIGN_UP or SIGN_UP_DOMAINS do not allow it, and keeps the one that they have", async () => {
    const ada = verified("ada", { email: "ada@example.org", emailVerified: true });
    const eve = verified("eve", { email: "eve@example.org", emailVerified: false });
    {
      await using server = await start(undefined, { policy: "off", domains: null });
      expect(await refusalOf(server.signIn(ada))).toBe("no_account");
      await server.link(ada);
      expect((await server.signIn(ada)).user.id).toBe(server.johnsId);
    }
    {
      await using server = await start(undefined, { policy: "open", domains: ["example.org"] });
      expect(await refusalOf(server.signIn(eve))).toBe("no_account");
      const other = verified("joe", { email: "joe@example.com", emailVerified: true });
      expect(await refusalOf(server.signIn(other))).toBe("no_account");
      expect((await server.signIn(ada)).user.email).toBe("ada@example.org");
    }
    {
      await using server = await start(undefined, { policy: "invited", domains: null });
      for (const address of ["ada@example.org", "eve@example.org"])
        await server.domain.signUpRules.invite(address, "admin", testSource);
      expect(await refusalOf(server.signIn(eve))).toBe("no_account");
      expect((await server.signIn(ada)).user.role).toBe("admin");
      const joe = verified("joe", { email: "joe@example.org", emailVerified: true });
      expect(await refusalOf(server.signIn(joe))).toBe("no_account");
    }
  });

  it("gets one account from any number of concurrent sign-ins", async () => {
    await using server = await start();
    const signedIn = await Promise.all(Array.from({ length: 8 }, () => server.signIn(verified("ada"))));
    expect(new Set(signedIn.map(({ user }) => user.id)).size).toBe(1);
    expect((await server.actions()).filter((action) => action === "user.create")).toHaveLength(1);
  });

  it("cannot sign in to a disabled account in any way", async () => {
    await using server = await start();
    const { user, session } = await server.signIn(verified("ada"));
    await server.domain.accounts.disable(user.id, testSource);
    expect(await server.isLive(session.id)).toBe(false);
    expect(await refusalOf(server.signIn(verified("ada")))).toBe("disabled");
    await server.domain.accounts.enable(user.id, testSource);
    expect((await server.signIn(verified("ada"))).user.id).toBe(user.id);
  });

  it("has signed in when the identity provider says so, and never later than now", async () => {
    const clock = testClock();
    await using server = await start(clock.now);
    const old = await server.signIn({ ...verified("ada"), authenticatedAt: clock.now() - 3_600_000 });
    expect(old.session.authenticatedAt).toBe(clock.now() - 3_600_000);
    const early = await server.signIn({ ...verified("ada"), authenticatedAt: clock.now() + 3_600_000 });
    expect(early.session.authenticatedAt).toBe(clock.now());
  });

  it("[S59] is linked to the account of the session that asked, while that session lives", async () => {
    await using server = await start();
    const session = await server.link(verified("ada"));
    await server.domain.identitySignIn.link(verified("ada"), session, testSource);
    expect((await server.domain.identities.list(server.johnsId)).identities).toHaveLength(1);
    expect((await server.actions()).filter((action) => action === "identity.link")).toHaveLength(1);
    await server.domain.sessions.end(session.userId, session.id, "signed_out", testSource);
    const late = server.domain.identitySignIn.link(verified("bob"), session, testSource);
    expect(await refusalOf(late)).toBe("session_ended");
  });

  it("is not linked to a second account", async () => {
    await using server = await start();
    const { user } = await server.signIn(verified("ada"));
    expect(await refusalOf(server.link(verified("ada")))).toBe("identity_taken");
    expect((await server.signIn(verified("ada"))).user.id).toBe(user.id);
  });

  it("is unlinked, which ends the other sessions that started with the identity, and no others", async () => {
    await using server = await start();
    const byPassword = await server.link(verified("ada"));
    const begun = await Promise.all([1, 2].map(() => server.signIn(verified("ada"))));
    const [here, there] = begun.map(({ session }) => session.id);
    await server.unlink(server.johnsId, "ada", here);
    expect(await Promise.all([byPassword.id, here ?? "", there ?? ""].map(server.isLive))).toEqual([true, true, false]);
    expect((await server.signIn(verified("ada"))).user.id).not.toBe(server.johnsId);
  });

  it("[S96] sees whether the identity provider can ask for a new sign-in", async () => {
    await using server = await start();
    const { user, session } = await server.signIn(verified("ada"));
    for (const rules of [south, { ...north, name: "gone" }])
      await server.domain.identitySignIn.link(verified("ada", {}, rules), session, testSource);
    const { identities } = await server.domain.identities.list(user.id);
    const listed = identities.map(({ provider }) => [provider.name, provider.canReauthenticate]);
    expect(Object.fromEntries(listed)).toEqual({ north: true, south: false, gone: false });
  });

  it("keeps one way to sign in: a password, or an identity of a configured identity provider", async () => {
    await using server = await start();
    const { user, session } = await server.signIn(verified("ada"));
    expect(await refusalOf(server.unlink(user.id, "ada"))).toBe("LAST_WAY_IN");
    const gone = { ...south, name: "gone" };
    await server.domain.identitySignIn.link(verified("ada", {}, gone), session, testSource);
    expect(await refusalOf(server.unlink(user.id, "ada"))).toBe("LAST_WAY_IN");
    await server.domain.identitySignIn.link(verified("ada", {}, south), session, testSource);
    expect(await refusalOf(server.unlink(user.id, "ada"))).toBeNull();
    expect(await refusalOf(server.unlink(server.johnsId, "ada"))).toBe("IDENTITY_NOT_FOUND");
  });

  it("keeps one way to sign in when two are unlinked at once", async () => {
    await using server = await start();
    const people = await Promise.all(
      Array.from({ length: 8 }, async (_, n) => {
        const { user, session } = await server.signIn(verified(`ada-${n}`));
        await server.domain.identitySignIn.link(verified(`eda-${n}`), session, testSource);
        return { n, userId: user.id };
      }),
    );
    const outcomes = await Promise.all(
      people.map(({ n, userId }) =>
        Promise.all([`ada-${n}`, `eda-${n}`].map((subject) => refusalOf(server.unlink(userId, subject)))),
      ),
    );
    for (const outcome of outcomes) expect(outcome.toSorted()).toEqual(["LAST_WAY_IN", null]);
  });

  it("[S60] is signed out when the identity provider signs them out, by session or everywhere, and nobody else is", async () => {
    await using server = await start();
    const at = (subject: string, sessionId: string) => ({
      ...verified(subject),
      providerSession: { sessionId, idToken: null },
    });
    const [phone, laptop, eve] = [
      await server.signIn(at("ada", "phone")),
      await server.signIn(at("ada", "laptop")),
      await server.signIn(at("eve", "phone of eve")),
    ].map(({ session }) => session.id);
    const live = () => Promise.all([phone ?? "", laptop ?? "", eve ?? ""].map(server.isLive));
    const end = (issuer: string, subject: string | null, sessionId: string | null) =>
      server.domain.identities.endSessionsFrom(issuer, { subject, sessionId }, testSource);

    expect(await end("https://south.example", "ada", null)).toBe(0);
    expect(await end("https://north.example", "eve", "phone")).toBe(0);
    expect(await live()).toEqual([true, true, true]);
    expect(await end("https://north.example", null, "phone")).toBe(1);
    expect(await live()).toEqual([false, true, true]);
    expect(await server.domain.sessions.endReason(phone ?? "")).toBe("provider_signed_out");
    expect(await end("https://north.example", "ada", null)).toBe(1);
    expect(await live()).toEqual([false, false, true]);
  });

  it("leaves an encrypted ID token only where signing out there needs it", async () => {
    await using server = await start();
    const { session } = await server.signIn(verified("ada"));
    const { session: other } = await server.signIn(verified("ada", {}, south));
    const stored = JSON.stringify(await server.db.selectFrom("provider_sessions").selectAll().execute());
    expect(stored).not.toContain("an ID token");
    expect(await server.domain.identities.logoutOf(session.id)).toMatchObject({ provider: "north" });
    expect(await server.domain.identities.logoutOf(other.id)).toBeNull();
  });

  it("leaves nothing when the account is deleted", async () => {
    await using server = await start();
    const { user } = await server.signIn(verified("ada"));
    await server.db.deleteFrom("users").where("id", "=", user.id).execute();
    expect(await server.domain.identities.find(verified("ada").identity)).toBeNull();
    expect(await server.db.selectFrom("provider_sessions").selectAll().execute()).toEqual([]);
  });
});
