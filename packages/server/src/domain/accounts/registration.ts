// Owns sign-up: an address is proved first, then its account is created. Until then there is no row of a user, so nobody
// can prepare an account for somebody else's address.

import type { User } from "@lockstep/kit";
import type { Db } from "../../db/database.ts";
import type { FirstStep } from "../factors/sign-in-challenges.ts";
import type { Source } from "../kernel/audit.ts";
import { DomainError } from "../kernel/domain-error.ts";
import type { Now } from "../kernel/environment.ts";
import type { Throttle } from "../kernel/throttle.ts";
import type { StartOptions } from "../sessions/sessions.ts";
import type { SignIn, SignInOutcome } from "../sessions/sign-in.ts";
import type { Accounts } from "./accounts.ts";
import type { PasswordPolicy } from "./password-policy.ts";
import type { Passwords } from "./passwords.ts";
import type { ProofRequests } from "./proof-requests.ts";
import type { Proofs } from "./proofs.ts";
import type { SignUpRules } from "./sign-up-rules.ts";
import type { Usernames } from "./usernames.ts";
import type { NewUser, Users } from "./users.ts";

/** Names that one proof can try: each answer says whether an account has the name. */
const namesPerProof = { free: 10, maxWaitSeconds: 60 * 60 };

/** Only a made-up username can be taken meanwhile; then another is made up. */
const maxAttempts = 3;

export interface Registration {
  readonly proofId: string;
  readonly code: string;
  /** `null`: one is made from the name. */
  readonly username: string | null;
  readonly fullName: string;
  readonly password: string;
  /** The secret in the cookie of the browser. */
  readonly browser: string | null;
  /** The session that the same browser had before, which ends. */
  readonly replaces: NonNullable<StartOptions["replaces"]> | null;
  readonly source: Source;
}

export type Registrations = ReturnType<typeof createRegistrations>;

export const createRegistrations = ({
  db,
  users,
  usernames,
  accounts,
  passwords,
  passwordPolicy,
  proofs,
  proofRequests,
  signUpRules,
  signIn,
  throttle,
  now,
}: {
  db: Db;
  users: Users;
  usernames: Usernames;
  accounts: Accounts;
  passwords: Passwords;
  passwordPolicy: PasswordPolicy;
  proofs: Proofs;
  proofRequests: ProofRequests;
  signUpRules: SignUpRules;
  signIn: SignIn;
  throttle: Throttle;
  now: Now;
}) => {
  const assertNameAllowed = async (proofId: string, username: string): Promise<void> => {
    const refund = await throttle.countGuess([{ name: `usernames:${proofId}`, limit: namesPerProof }]);
    await usernames.assertAllowed(username);
    await refund();
  };

  /** Creates the account in the transaction that spends the proof. `null`: its username, or one like it, was taken meanwhile. */
  const createWithin = async (
    transaction: Db,
    proofId: string,
    { email, ...wished }: Omit<NewUser, "email" | "emailProof" | "role"> & { readonly email: string },
    source: Source,
  ): Promise<User | null> => {
    await proofs.spendWithin(transaction, proofId);
    const holder = await users.findByLogin(email, transaction);
    if (holder?.user.emailVerified) throw new DomainError("EMAIL_TAKEN");
    await accounts.releaseAddressWithin(transaction, email, source);
    const role = await signUpRules.roleWithin(transaction, email);
    const newUser: NewUser = { ...wished, email, emailProof: "mail", role };
    const [user] = await accounts.createWithin(transaction, [newUser], source, { by: "sign_up" });
    return user ?? null;
  };

  return {
    /**
     * Sends a code to an address. When an account has it, the mail says so instead.
     * @throws DomainError `SIGN_UP_REFUSED`, `MAIL_OFF`, `TOO_MANY_ATTEMPTS`
     */
    async request({ email, browser, source }: { email: string; browser: string | null; source: Source }) {
      const refusal = signUpRules.refusalOf(email);
      if (refusal) throw refusal;
      proofRequests.assertMail();
      const holder = (await users.findByLogin(email))?.user;
      const invited = await signUpRules.isInvited(email);
      const owner = holder?.emailVerified ? holder : null;
      const mayGetMail = owner === null ? invited : !owner.disabled;
      return proofRequests.request({
        purpose: "sign_up",
        asked: proofs.asked("sign_up", email),
        userId: null,
        email,
        browser,
        source,
        mail: mayGetMail
          ? ({ code, secret }, expiresAt) =>
              owner === null
                ? { template: "sign_up", to: email, userId: null, data: { code, secret }, expiresAt }
                : {
                    template: "account_exists",
                    to: email,
                    userId: owner.id,
                    data: { username: owner.username },
                    expiresAt,
                  }
          : null,
      });
    },

    /**
     * Creates the account of a proved address, and signs in to it, unless it has to have a second factor first.
     * @throws DomainError `PROOF_REFUSED`, `SIGN_UP_REFUSED`, `USERNAME_REFUSED`, `PASSWORD_REFUSED`, `EMAIL_TAKEN`,
     * `TOO_MANY_ATTEMPTS`, `OVERLOADED`
     */
    async complete(registration: Registration): Promise<SignInOutcome> {
      const { fullName, password, replaces, browser, source } = registration;
      // First of all: nothing below tells anything to somebody without the code.
      const proof = await proofs.check(registration, "sign_up");
      const email = proof.email ?? "";
      const refusal = signUpRules.refusalOf(email);
      if (refusal) throw refusal;
      if (registration.username !== null) await assertNameAllowed(proof.id, registration.username);
      const [localPart = ""] = email.split("@");
      await passwordPolicy.assertAllowed(password, [registration.username ?? localPart, email, fullName]);
      const passwordHash = await passwords.hash(password);
      for (let attempt = 1; attempt <= maxAttempts; attempt++) {
        const username = registration.username ?? (await usernames.suggest(fullName));
        const plainUsername = await usernames.plainFormOf(username);
        const created = await db
          .transaction()
          .execute(async (transaction) => {
            const wished = { email, username, plainUsername, fullName, passwordHash };
            const user = await createWithin(transaction, proof.id, wished, source);
            if (user === null) throw new UsernameTaken();
            const locked = await users.lockEnabledUser(user.id, transaction);
            if (!locked) throw new Error("The account that was just created is missing");
            // The person chose the password, and proved the address.
            const proved = [
              { method: "password", at: now() },
              { method: "email", at: now() },
            ] as const;
            const first: FirstStep = { proved, browser, deviceId: null, replaces };
            return { user, first, continued: await signIn.continueWithin(transaction, locked, first, source) };
          })
          .catch(unlessTaken);
        if (created) return signIn.finish(created.continued, { user: created.user, passwordHash }, created.first);
        if (registration.username !== null) break;
      }
      if (registration.username !== null) await usernames.assertAllowed(registration.username);
      throw await usernames.refused("taken", registration.username ?? fullName);
    },
  };
};

/** Undoes the transaction. */
class UsernameTaken extends Error {}

const unlessTaken = (error: unknown): null => {
  if (error instanceof UsernameTaken) return null;
  throw error;
};
