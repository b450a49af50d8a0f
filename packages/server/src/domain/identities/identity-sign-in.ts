// Owns sign-ins with a verified identity: the person signs in to the account of their identity, gets a new account if
// the identity provider's settings allow it, or links the identity to the account that they are signed in to.
//
// A matching e-mail address never links anything: its owner signs in first, then links.

import { Username } from "@lockstep/kit";
import { type Db, isUniqueViolation } from "../../db/database.ts";
import type { Accounts } from "../accounts/accounts.ts";
import type { Users } from "../accounts/users.ts";
import type { Source } from "../kernel/audit.ts";
import { type Random, randomId } from "../kernel/environment.ts";
import type { Notices } from "../mail/notices.ts";
import type { Devices } from "../sessions/devices.ts";
import type { Sessions, StartOptions } from "../sessions/sessions.ts";
import type { SignedIn, SignIn } from "../sessions/sign-in.ts";
import type { Identities, IdentityProfile, IdentityProviderRules, IdentityProviderSession } from "./identities.ts";
import { LoginRefusal } from "./login-refusal.ts";

/** A person whose identity was verified at an identity provider. */
export interface VerifiedIdentity {
  readonly rules: IdentityProviderRules;
  readonly identity: IdentityProfile;
  readonly providerSession: IdentityProviderSession;
  /** When the person proved who they are: epoch milliseconds. `null`: the identity provider does not say. */
  readonly authenticatedAt: number | null;
}

/** What the browser had before it left for the identity provider. */
interface Browser {
  readonly replaces: NonNullable<StartOptions["replaces"]> | null;
  readonly deviceToken: string | null;
}

export type IdentitySignIn = ReturnType<typeof createIdentitySignIn>;

export const createIdentitySignIn = ({
  db,
  random,
  users,
  accounts,
  identities,
  sessions,
  signIn,
  devices,
  notices,
}: {
  db: Db;
  random: Random;
  users: Users;
  accounts: Accounts;
  identities: Identities;
  sessions: Sessions;
  signIn: SignIn;
  devices: Devices;
  notices: Pick<Notices, "newDevice">;
}) => {
  /** Creates the account and its identity in one transaction. `null`: another request created one of them meanwhile. */
  const create = async ({ rules, identity }: VerifiedIdentity, username: string, source: Source) => {
    try {
      return await db.transaction().execute(async (transaction) => {
        const [user] = await accounts.createWithin(
          transaction,
          [
            {
              username,
              // An unverified address may be another person's: its owner must still be able to use it.
              email: identity.emailVerified ? identity.email : null,
              fullName: identity.fullName ?? username,
              role: "user",
              passwordHash: null,
            },
          ],
          source,
          { provider: rules.name },
        );
        if (!user) return null;
        const id = await identities.link(user.id, rules.name, identity, source, transaction);
        return id === null ? null : { id, userId: user.id };
      });
    } catch (error) {
      if (isUniqueViolation(error)) return null;
      throw error;
    }
  };

  /** The identity; creates it and an account if there is none. */
  const findOrCreate = async (verified: VerifiedIdentity, source: Source) => {
    const { rules, identity } = verified;
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const known = await identities.find(identity);
      if (known) return known;
      // An unverified address must neither reveal nor block the account that has it.
      if (identity.email !== null && identity.emailVerified) {
        const owner = await users.findByLogin(identity.email);
        if (owner) throw new LoginRefusal("account_exists", "an account has this e-mail address", owner.user.id);
      }
      refuseUnlessCreated(rules, identity);
      const username = usernameOf(identity);
      const suffix =
        attempt === 0
          ? ""
          : `-${randomId(random)
              .toLowerCase()
              .replace(/[^a-z0-9]/g, "")
              .slice(0, 6)}`;
      const created = await create(verified, `${username}${suffix}`, source);
      if (created) return created;
    }
    throw new Error("No free username was found");
  };

  return {
    /**
     * Starts a session for a person with a verified identity.
     * @param browser the session that the same browser had before, which ends, and its device token
     * @throws LoginRefusal
     */
    async signIn(
      verified: VerifiedIdentity,
      source: Source,
      { replaces, deviceToken }: Browser = { replaces: null, deviceToken: null },
    ): Promise<SignedIn & { deviceToken: string }> {
      const { rules, identity, providerSession, authenticatedAt } = verified;
      const found = await findOrCreate(verified, source);
      const user = await users.find(found.userId);
      if (!user) throw new LoginRefusal("expired", "the account was deleted");
      const { started, owner } = await db.transaction().execute(async (transaction) => {
        const locked = await users.lockEnabledUser(user.id, transaction);
        if (!locked) throw new LoginRefusal("disabled", "the account is disabled", user.id);
        if (!(await identities.recordUse(found, rules.name, identity.email, transaction)))
          throw new LoginRefusal("expired", "the identity was unlinked", user.id);
        const options: StartOptions = {
          // Without `auth_time`, a cookie may have signed them in there: not a fresh sign-in (RFC 9470).
          authenticatedAt: authenticatedAt ?? 0,
          replaces,
          detail: { provider: rules.name },
        };
        const owner = { userId: user.id, passwordHash: locked.passwordHash };
        if (!devices.verify(deviceToken, owner)) await notices.newDevice(user.id, source, transaction);
        const session = await sessions.startWithin(transaction, user.id, source, options);
        const idToken = rules.endSession ? providerSession.idToken : null;
        await identities.recordSession(session.session.id, found.id, { ...providerSession, idToken }, transaction);
        return { started: session, owner };
      });
      return { ...(await signIn.signedIn(user, started)), deviceToken: devices.issue(owner) };
    },

    /**
     * Links the identity to the account of a live session.
     * @throws LoginRefusal
     */
    async link(verified: VerifiedIdentity, session: { id: string; userId: string }, source: Source): Promise<void> {
      const live = await sessions.findLive(session.id);
      if (live?.user.id !== session.userId)
        throw new LoginRefusal("session_ended", "the session that asked for the link has ended", session.userId);
      const id = await identities.link(session.userId, verified.rules.name, verified.identity, source);
      if (id === null) throw new LoginRefusal("identity_taken", "this identity opens another account", session.userId);
    },
  };
};

/** Usernames to try: first the identity provider's, then with random letters. */
const maxAttempts = 5;

const refuseUnlessCreated = ({ create }: IdentityProviderRules, { email, emailVerified }: IdentityProfile) => {
  if (create === "always") return;
  if (create === "never") throw new LoginRefusal("no_account", "the identity provider's settings create no accounts");
  const domain = email?.slice(email.lastIndexOf("@") + 1);
  if (domain === undefined || !create.includes(domain))
    throw new LoginRefusal("no_account", "no accounts are created for the domain of the e-mail address");
  // OWASP ASVS 6.8.1: anybody can enter any address in a profile.
  if (!emailVerified)
    throw new LoginRefusal("email_unverified", "the identity provider has not verified the e-mail address");
};

/** A valid username from the identity provider's profile. */
export const usernameOf = ({ username, email, fullName }: IdentityProfile): string => {
  const wished = username?.split("@")[0] || email?.split("@")[0] || fullName || "";
  const plain = wished
    .normalize("NFKD")
    .toLowerCase()
    .replace(/\s+/g, ".")
    .replace(/[^a-z0-9._-]/g, "")
    .replace(/^[._-]+/, "")
    // Leaves room for the random letters.
    .slice(0, 40);
  return Username.safeParse(plain).data ?? "user";
};
