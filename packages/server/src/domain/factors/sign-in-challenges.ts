// Owns what follows the first factor of a sign-in: nothing, a second factor, or adding one. What the person has proved
// so far is handed to their browser sealed, for a few minutes and for that browser only. There is no session before the
// rest is proved, and what may change meanwhile is checked again then (`factor-sign-in.ts`).

import { hash } from "node:crypto";
import type { FactorKind, LoginResult, SecondFactorMethod } from "@lockstep/kit";
import type { Db } from "../../db/database.ts";
import type { LockedUser } from "../accounts/users.ts";
import type { Source } from "../kernel/audit.ts";
import { DomainError } from "../kernel/domain-error.ts";
import { type Random, randomId } from "../kernel/environment.ts";
import type { Sealed } from "../kernel/sealed.ts";
import { type ProvedFactor, provedAt } from "./assurance.ts";
import { enrollableKinds, type FactorPolicy } from "./factor-policy.ts";
import type { Passkeys } from "./passkeys.ts";
import type { TrustedDevices } from "./trusted-devices.ts";

export const challengeSeconds = 10 * 60;

/** What is missing after the first factor. */
export type MissingStep =
  | { readonly kind: "second_factor"; readonly methods: readonly SecondFactorMethod[] }
  | { readonly kind: "enrolment" };

/** What was proved so far, and what the session is to be. */
export interface FirstStep {
  readonly proved: readonly ProvedFactor[];
  /** The secret in the cookie of the browser. `null`: a client without cookies, which keeps the challenge secret. */
  readonly browser: string | null;
  /** The ID of the device token, if it is this account's. */
  readonly deviceId: string | null;
  /** The scopes that the session is narrowed to. `null`: it is not. */
  readonly scopes?: readonly string[] | null;
  /** The session that the same browser had before, which ends. */
  readonly replaces?: { readonly id: string; readonly userId: string } | null;
  /** For the audit log. */
  readonly detail?: Record<string, unknown>;
  /** The identity that was signed in with. */
  readonly identity?: {
    readonly id: string;
    readonly providerSession: { readonly sessionId: string | null; readonly idToken: string | null };
  } | null;
}

/** What a challenge contains. */
export interface SignInChallenge extends Required<Omit<FirstStep, "browser">> {
  readonly id: string;
  readonly kind: MissingStep["kind"];
  readonly userId: string;
  /** Changes with the password. */
  readonly passwordState: string;
  readonly browserHash: string | null;
}

/** The answer to a sign-in that is not complete. */
export type PendingSignIn = Exclude<LoginResult, { status: "signed_in" }>;

export type SignInChallenges = ReturnType<typeof createSignInChallenges>;

export const createSignInChallenges = ({
  random,
  sealed,
  policy,
  passkeys,
  trustedDevices,
}: {
  random: Random;
  sealed: Sealed;
  policy: FactorPolicy;
  passkeys: Pick<Passkeys, "on">;
  trustedDevices: Pick<TrustedDevices, "isTrustedWithin">;
}) => {
  /** How an account can prove a second factor. Empty: it has none. */
  const methodsOf = async (transaction: Db, userId: string): Promise<SecondFactorMethod[]> => {
    const kinds = await transaction
      .selectFrom("factors")
      .select("kind")
      .where("user_id", "=", userId)
      .groupBy("kind")
      .execute();
    const has = new Set<FactorKind>(kinds.map(({ kind }) => kind));
    if (has.size === 0) return [];
    const code = await transaction
      .selectFrom("recovery_codes")
      .select("selector")
      .where("user_id", "=", userId)
      .limit(1)
      .executeTakeFirst();
    return [
      ...(has.has("passkey") ? ["passkey" as const] : []),
      ...(has.has("totp") ? ["totp" as const] : []),
      ...(code ? ["recovery_code" as const] : []),
    ];
  };

  return {
    /** A secret for the cookie of a browser. */
    newBrowserSecret: (): string => randomId(random),

    methodsOf,

    /** What an account has to prove or add after this, now that it is locked. `null`: nothing. */
    async missingWithin(
      transaction: Db,
      locked: LockedUser,
      { proved, deviceId }: Pick<FirstStep, "proved" | "deviceId">,
      source: Source,
    ): Promise<MissingStep | null> {
      const { id: userId } = locked.user;
      if (provedAt(proved, "2fa") !== null) return null;
      const methods = await methodsOf(transaction, userId);
      if (methods.length === 0) return (await policy.isDueWithin(transaction, locked)) ? { kind: "enrolment" } : null;
      if (deviceId !== null && (await trustedDevices.isTrustedWithin(transaction, userId, deviceId, source)))
        return null;
      return { kind: "second_factor", methods };
    },

    /** The answer that asks for what is missing. */
    async issue(
      missing: MissingStep,
      { user, passwordHash }: Pick<LockedUser, "user" | "passwordHash">,
      { browser, scopes = null, replaces = null, detail = {}, identity = null, ...step }: FirstStep,
    ): Promise<PendingSignIn> {
      const challenge: SignInChallenge = {
        ...step,
        id: randomId(random),
        kind: missing.kind,
        userId: user.id,
        passwordState: passwordStateOf(passwordHash),
        scopes,
        replaces: replaces && { id: replaces.id, userId: replaces.userId },
        detail,
        identity,
        browserHash: browser === null ? null : sha256(browser),
      };
      const challengeId = await sealed.seal("sign-in-challenges", challenge, challengeSeconds);
      const common = { challengeId, expiresIn: challengeSeconds };
      return missing.kind === "second_factor"
        ? { status: "second_factor_required", ...common, methods: [...missing.methods] }
        : { status: "enrolment_required", ...common, kinds: enrollableKinds(passkeys.on) };
    },

    /**
     * The challenge of a sign-in.
     * @param browser the secret in the cookie of the browser that sends it
     * @throws DomainError `CHALLENGE_EXPIRED`, also when another browser got it, or it asks for something else
     */
    async open(challengeId: string, kind: MissingStep["kind"], browser: string | null): Promise<SignInChallenge> {
      const challenge = await sealed.open<SignInChallenge>("sign-in-challenges", challengeId);
      if (challenge?.kind !== kind) throw new DomainError("CHALLENGE_EXPIRED");
      const { browserHash } = challenge;
      if (browserHash !== null && (browser === null || sha256(browser) !== browserHash))
        throw new DomainError("CHALLENGE_EXPIRED");
      return challenge;
    },
  };
};

/** Of the present password. A challenge with another state is of an earlier one, and dead. */
export const passwordStateOf = (passwordHash: string | null): string => sha256(passwordHash ?? "");

const sha256 = (text: string): string => hash("sha256", text, "base64url");
