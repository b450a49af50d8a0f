// Owns sign-ins with a verified identity: the person signs in to the account of their identity, gets a new account if
// the identity provider's settings allow it, or links the identity to the account that they are signed in to.
//
// A matching e-mail address never links anything: its owner signs in first, then links.

import { type Db, isUniqueViolation } from "../../db/database.ts";
import type { Accounts } from "../accounts/accounts.ts";
import type { Deletions } from "../accounts/deletion.ts";
import type { SignUpRules } from "../accounts/sign-up-rules.ts";
import type { Usernames } from "../accounts/usernames.ts";
import type { Users } from "../accounts/users.ts";
import type { Admission } from "../admission/admission.ts";
import type { FirstStep } from "../factors/sign-in-challenges.ts";
import type { Source } from "../kernel/audit.ts";
import { DomainError } from "../kernel/domain-error.ts";
import type { Notices } from "../mail/notices.ts";
import type { Devices } from "../sessions/devices.ts";
import type { Sessions, StartOptions } from "../sessions/sessions.ts";
import type { SignIn, SignInOutcome } from "../sessions/sign-in.ts";
import type { Identities, IdentityProfile, IdentityProviderRules, IdentityProviderSession } from "./identities.ts";
import { LoginRefusal } from "./login-refusal.ts";

/** A person whose identity was verified at an identity provider. */
export interface VerifiedIdentity {
  readonly rules: IdentityProviderRules;
  readonly identity: IdentityProfile;
  readonly providerSession: IdentityProviderSession;
  /** When the person proved who they are: epoch milliseconds. `null`: the identity provider does not say. */
  readonly authenticatedAt: number | null;
  /** What the identity provider proved, by its settings. Default: one factor. */
  readonly proved?: "provider" | "provider_2fa" | "provider_phr";
}

/** What the browser had before it left for the identity provider. */
export interface Browser {
  readonly replaces: NonNullable<StartOptions["replaces"]> | null;
  readonly deviceToken: string | null;
  /** The secret in its cookie, by which it is recognised when a second factor follows. */
  readonly secret: string | null;
}

export type IdentitySignIn = ReturnType<typeof createIdentitySignIn>;

export const createIdentitySignIn = ({
  db,
  admission,
  users,
  usernames,
  accounts,
  signUpRules,
  identities,
  sessions,
  signIn,
  devices,
  deletions,
  notices,
}: {
  db: Db;
  admission: Pick<Admission, "assertAllowed">;
  users: Users;
  usernames: Usernames;
  accounts: Accounts;
  signUpRules: SignUpRules;
  identities: Identities;
  sessions: Sessions;
  signIn: SignIn;
  devices: Devices;
  deletions: Pick<Deletions, "linkToCancel">;
  notices: Pick<Notices, "newDevice">;
}) => {
  /** Creates the account and its identity in one transaction. `null`: another request created one of them meanwhile. */
  const create = async ({ rules, identity }: VerifiedIdentity, username: string, source: Source) => {
    const plainUsername = await usernames.plainFormOf(username);
    try {
      return await db.transaction().execute(async (transaction) => {
        const email = provenEmail(identity);
        if (email !== null) await accounts.releaseAddressWithin(transaction, email, source);
        const newUser = {
          username,
          plainUsername,
          email,
          emailProof: "vouched" as const,
          fullName: identity.fullName ?? username,
          role: await signUpRules.roleWithin(transaction, email),
          passwordHash: null,
        };
        const [user] = await accounts.createWithin(transaction, [newUser], source, { provider: rules.name });
        if (!user) return null;
        const id = await identities.link(user.id, rules.name, identity, source, transaction);
        return id === null ? null : { id, userId: user.id };
      });
    } catch (error) {
      if (isUniqueViolation(error)) return null;
      throw error;
    }
  };

  /** First sign-ins follow the same rules as sign-up by mail. */
  const refuseUnlessSignedUp = async (email: string | null) => {
    if (signUpRules.policy === "off") throw new LoginRefusal("no_account", "SIGN_UP=off: no accounts are created");
    // Without an address there is no domain to allow, and nobody to invite.
    if (signUpRules.refusalOf(email ?? "") || !(await signUpRules.isInvited(email ?? "")))
      throw new LoginRefusal("no_account", "SIGN_UP and SIGN_UP_DOMAINS allow no account for this address");
  };

  /** Asks the app whether this person may sign in, or sign up by signing in for the first time. */
  const refuseUnlessAdmitted = async ({ identity }: VerifiedIdentity, source: Source): Promise<void> => {
    const known = await identities.find(identity);
    const kind = known ? "sign_in" : "sign_up";
    try {
      await admission.assertAllowed({ kind, by: "provider", login: identity.email ?? identity.username, source });
    } catch (error) {
      if (!(error instanceof DomainError) || error.code !== "NOT_ADMITTED") throw error;
      throw new LoginRefusal("not_admitted", "hooks.admit refused it", known?.userId);
    }
  };

  /** The identity; creates it and an account if there is none. */
  const findOrCreate = async (verified: VerifiedIdentity, source: Source) => {
    const { rules, identity } = verified;
    for (let attempt = 1; attempt <= maxAttempts; attempt++) {
      const known = await identities.find(identity);
      if (known) return known;
      const email = provenEmail(identity);
      const owner = email === null ? null : (await users.findByLogin(email))?.user;
      if (owner?.emailVerified)
        throw new LoginRefusal("account_exists", "an account has this e-mail address", owner.id);
      refuseUnlessCreated(rules, identity);
      await refuseUnlessSignedUp(email);
      const created = await create(verified, await usernames.suggest(wishedUsername(identity)), source);
      if (created) return created;
    }
    throw new Error("No free username was found");
  };

  return {
    /**
     * Starts a session for a person with a verified identity, or asks for their second factor.
     * @param browser the session that the same browser had before, which ends, and its device token
     * @throws LoginRefusal
     */
    async signIn(
      verified: VerifiedIdentity,
      source: Source,
      { replaces, deviceToken, secret }: Browser = { replaces: null, deviceToken: null, secret: null },
    ): Promise<SignInOutcome> {
      const { rules, identity, authenticatedAt, proved: method = "provider" } = verified;
      // Without `auth_time`, a cookie may have signed them in there: not a fresh sign-in (RFC 9470).
      const proved = [{ method, at: authenticatedAt ?? 0 }];
      const providerSession = {
        ...verified.providerSession,
        idToken: rules.endSession ? verified.providerSession.idToken : null,
      };
      await refuseUnlessAdmitted(verified, source);
      const found = await findOrCreate(verified, source);
      const user = await users.find(found.userId);
      if (!user) throw new LoginRefusal("expired", "the account was deleted");
      const outcome = await db.transaction().execute(async (transaction) => {
        const locked = await users.lockEnabledUser(user.id, transaction);
        // Committed, so that the link works.
        if (!locked) return refusalOf(user.id, await deletions.linkToCancel(user.id, transaction));
        if (!(await identities.recordUse(found, rules.name, identity.email, transaction)))
          throw new LoginRefusal("expired", "the identity was unlinked", user.id);
        const owner = { userId: user.id, passwordHash: locked.passwordHash };
        const deviceId = devices.idOf(deviceToken, owner);
        const step: FirstStep = {
          proved,
          browser: secret,
          deviceId,
          replaces,
          detail: { provider: rules.name },
          identity: { id: found.id, providerSession },
        };
        const continued = await signIn.continueWithin(transaction, locked, step, source);
        if ("started" in continued) {
          if (deviceId === null) await notices.newDevice(user.id, source, transaction);
          await identities.recordSession(continued.started.session.id, found.id, providerSession, transaction);
        }
        return { continued, account: locked, first: step };
      });
      if (outcome instanceof LoginRefusal) throw outcome;
      return signIn.finish(outcome.continued, outcome.account, outcome.first);
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

const refusalOf = (userId: string, link: { readonly secret: string } | null): LoginRefusal =>
  link === null
    ? new LoginRefusal("disabled", "the account is disabled", userId)
    : new LoginRefusal("disabled", "the account is to be deleted", userId, link.secret);

/** Another sign-in may create the identity, or take the username, meanwhile. */
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

/** An unverified address may be another person's: it neither reveals nor blocks an account, and is not stored. */
const provenEmail = ({ email, emailVerified }: IdentityProfile): string | null => (emailVerified ? email : null);

/** What a username is made from. */
const wishedUsername = ({ username, email, fullName }: IdentityProfile): string =>
  username?.split("@")[0] || email?.split("@")[0] || fullName || "";
