// Owns accounts in tests: the domain without a server, which would send the mails that tests read from the queue.

import { DefaultQueryExecutor } from "kysely";
import { expect, inject, vi } from "vitest";
import type { NewDatabase } from "../../../test/engines.ts";
import type { App } from "../../app.ts";
import { createDomain } from "../../compose-domain.ts";
import type { Config } from "../../config.ts";
import { openDatabase } from "../../db/database.ts";
import { migrateToLatest } from "../../db/migrate.ts";
import { seedDevelopment } from "../../development.ts";
import { fixtureApp } from "../../fixture-app.ts";
import { testClock, testConfig, testSource, testWorld } from "../../testing.ts";
import { DomainError } from "../kernel/domain-error.ts";
import type { Mail, MailTemplate } from "../mail/mails.ts";
import { completeOnly } from "../sessions/sign-in.ts";

/** The secret in the cookie of the browser that asks. */
export const browser = "the browser that asks";

/** A password that the policy accepts. */
export const goodPassword = "correct horse battery staple 42";

/** The domain on a new database, with the user `john`. */
export const startAccounts = async (
  newDatabase: (content: "migrated") => Promise<NewDatabase>,
  settings: Partial<Omit<Config, "secret">> = {},
  app: App = fixtureApp,
) => {
  const database = await newDatabase("migrated");
  const clock = testClock();
  // Callers at once wait for one another.
  const db = await openDatabase(database.url, { limitMs: inject("patienceMs") });
  const config = { ...testConfig(database.url), ...settings };
  if (app.migrations) await migrateToLatest(db, app.migrations);
  const domain = await createDomain(db, { app, config, world: testWorld(clock.now) });
  await seedDevelopment(domain, app);

  /** Takes all mails from the queue, except notices of sign-ins and identities. */
  const takeMails = async (): Promise<Mail[]> => {
    const taken: Mail[] = [];
    for (;;) {
      const claimed = await domain.messages.claim();
      if (!claimed) break;
      await domain.messages.markSent(claimed);
      if (claimed.mail && !/^(new_device|identity_)/.test(claimed.template)) taken.push(claimed.mail);
    }
    return taken;
  };

  /** The only mail in the queue. */
  const takeMail = async <T extends MailTemplate>(template: T) => {
    const mails = await takeMails();
    expect(mails.map((mail) => mail.template)).toEqual([template]);
    return mails[0] as Extract<Mail, { template: T }>;
  };

  const asker = { browser, source: testSource };
  let networks = 0;

  return {
    db,
    url: database.url,
    domain,
    config,
    clock,
    takeMails,
    takeMail,
    asker,

    /** Like `asker`, from a network that has not asked for anything. */
    newAsker: () => ({ browser, source: { ...testSource, address: `198.51.100.${++networks}` } }),

    /** Asks for a code to sign up with, and reads the mail. */
    async askToSignUp(email: string) {
      const { proofId } = await domain.registrations.request({ email, ...asker });
      const { data } = await takeMail("sign_up");
      return { proofId, code: data.code, secret: data.secret };
    },

    /** Signs up with the code of `askToSignUp`. */
    complete: (
      proof: { proofId: string; code: string },
      given: { username?: string | null; fullName?: string; password?: string; browser?: string | null } = {},
    ) =>
      domain.registrations
        .complete({
          proofId: proof.proofId,
          code: proof.code,
          username: null,
          fullName: "Jane Roe",
          password: goodPassword,
          replaces: null,
          ...asker,
          ...given,
        })
        .then(completeOnly),

    /** Asks for a code to sign in with, and reads the mail. */
    async askToSignIn(login: string) {
      const { proofId } = await domain.codeSignIn.request({ login, ...asker });
      const { data, to } = await takeMail("sign_in");
      return { proofId, code: data.code, to };
    },

    /** Signs in with a code. */
    signInWith: (
      { proofId, code }: { proofId: string; code: string },
      given: { browser?: string | null; deviceToken?: string | null } = {},
    ) =>
      domain.codeSignIn
        .complete({ proofId, code, deviceToken: null, replaces: null, ...asker, ...given })
        .then(completeOnly),

    /** Asks for a code to recover an account, and reads the mail. */
    async askToRecover(login: string) {
      const { proofId } = await domain.recovery.request({ login, ...asker });
      const { data, to } = await takeMail("recovery");
      return { proofId, code: data.code, secret: data.secret, to };
    },

    reset: (proof: { proofId: string; code: string }, newPassword = goodPassword) =>
      domain.recovery.complete({ proofId: proof.proofId, code: proof.code, newPassword, ...asker }),

    /** Creates a user whose address nobody proved, unless `emailProof` says who did. */
    createUser: async (
      username: string,
      change: { email?: string | null; emailProof?: "mail" | "vouched" | null } = {},
    ) => {
      const user = await domain.users.create({
        username,
        email: null,
        fullName: username,
        role: "user",
        passwordHash: await domain.passwords.hash(goodPassword),
        ...change,
      });
      if (!user) throw new Error("The username or the address is taken");
      return user;
    },

    userCount: async () =>
      Number(
        (
          await db
            .selectFrom("users")
            .select((eb) => eb.fn.countAll().as("count"))
            .executeTakeFirstOrThrow()
        ).count,
      ),

    async [Symbol.asyncDispose]() {
      await db.destroy();
      await database.drop();
    },
  };
};

/**
 * The statements that run while `act` does, without their values, sorted: counters are written in the order of their
 * random IDs. The end of a savepoint is one statement, whether it keeps or undoes what was written.
 */
export const statementsOf = async (act: () => Promise<unknown>): Promise<string[]> => {
  const execute = vi.spyOn(DefaultQueryExecutor.prototype, "executeQuery");
  try {
    await act();
    return execute.mock.calls
      .map(([{ sql }]) => sql.replace(/^(release|rollback to) savepoint/, "end savepoint"))
      .sort();
  } finally {
    execute.mockRestore();
  }
};

/** The code of a refusal, with its reason if it has one. `null`: the call succeeded. */
export const refusalOf = async (call: Promise<unknown>): Promise<string | null> => {
  try {
    await call;
    return null;
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    const { reason } = error.details as { reason?: string };
    return reason === undefined ? error.code : `${error.code}: ${reason}`;
  }
};
