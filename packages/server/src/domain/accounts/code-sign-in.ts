// Owns signing in with a code that is sent to the proved address of the account, in place of the password. It is one factor,
// never a second one (OWASP ASVS 6.3.6): the session records that a mail was the way in. Wrong codes count in the same
// counter as wrong passwords.

import type { User } from "@lockstep/kit";
import type { Db } from "../../db/database.ts";
import type { FirstStep } from "../factors/sign-in-challenges.ts";
import type { Audit } from "../kernel/audit.ts";
import { DomainError } from "../kernel/domain-error.ts";
import type { Now } from "../kernel/environment.ts";
import type { Throttle } from "../kernel/throttle.ts";
import type { Notices } from "../mail/notices.ts";
import type { Devices } from "../sessions/devices.ts";
import type { StartOptions } from "../sessions/sessions.ts";
import type { SignIn, SignInOutcome } from "../sessions/sign-in.ts";
import type { Asker, ProofRequests } from "./proof-requests.ts";
import type { Proof, Proofs } from "./proofs.ts";
import { accountKey, canGetMail, normalizeLogin, type Users } from "./users.ts";

export type CodeSignIn = ReturnType<typeof createCodeSignIn>;

export const createCodeSignIn = ({
  db,
  on,
  users,
  proofs,
  proofRequests,
  signIn,
  devices,
  throttle,
  notices,
  audit,
  now,
}: {
  db: Db;
  /** Whether people may sign in so. */
  on: boolean;
  users: Users;
  proofs: Proofs;
  proofRequests: ProofRequests;
  signIn: SignIn;
  devices: Devices;
  throttle: Throttle;
  notices: Pick<Notices, "newDevice">;
  audit: Audit;
  now: Now;
}) => {
  const assertOn = (): void => {
    if (!on) throw new DomainError("SIGN_IN_CODE_OFF");
    proofRequests.assertMail();
  };

  /** `user` is the account that was named. `null`: there is none. */
  const request = (asked: string, user: User | null, { browser, source }: Asker) => {
    const reachable = user !== null && canGetMail(user) ? user : null;
    return proofRequests.request({
      purpose: "sign_in",
      asked,
      // Also of an account that gets no mail: wrong codes count where its wrong passwords count.
      userId: user?.id ?? null,
      email: reachable?.email ?? null,
      browser,
      source,
      mail: reachable
        ? ({ code, secret }, expiresAt) => ({
            template: "sign_in",
            to: reachable.email,
            userId: reachable.id,
            data: { username: reachable.username, code, secret },
            expiresAt,
          })
        : null,
    });
  };

  return {
    on,

    /**
     * Sends a code to the proved address of the account with this username or address, if there is one.
     * @throws DomainError `SIGN_IN_CODE_OFF`, `MAIL_OFF`, `TOO_MANY_ATTEMPTS`
     */
    async request({ login, ...asker }: { login: string } & Asker): Promise<{ proofId: string }> {
      assertOn();
      const found = await users.findByLogin(login);
      return request(proofs.asked("sign_in", normalizeLogin(login)), found?.user ?? null, asker);
    },

    /** Sends a new code for an earlier request. @throws DomainError `SIGN_IN_CODE_OFF`, `MAIL_OFF`, `TOO_MANY_ATTEMPTS` */
    async requestAgain({ asked, userId }: Proof, asker: Asker): Promise<{ proofId: string }> {
      assertOn();
      return request(asked, await users.find(userId ?? ""), asker);
    },

    /**
     * Starts a new session for the code, or asks for the second factor. The same statements run for a wrong code whether there is an account or not.
     * @param given.deviceToken the device token of an earlier sign-in
     * @param given.replaces the session that the same browser had before, which ends
     * @throws DomainError `SIGN_IN_CODE_OFF`, `PROOF_REFUSED`, `TOO_MANY_ATTEMPTS`
     */
    async complete({
      proofId,
      code,
      deviceToken,
      replaces,
      browser,
      source,
    }: {
      proofId: string;
      code: string;
      deviceToken: string | null;
      replaces: NonNullable<StartOptions["replaces"]> | null;
    } & Asker): Promise<SignInOutcome> {
      assertOn();
      const { purpose, asked, userId } = await proofs.find(proofId, browser);
      if (purpose !== "sign_in") throw dead();
      const found = await users.findWithPassword(userId ?? "");
      const owner = found && { userId: found.user.id, passwordHash: found.passwordHash };
      const deviceId = devices.idOf(deviceToken, owner);
      const attempt = { account: accountKey(userId, asked), address: source.address, knownDevice: deviceId !== null };
      const { succeeded, refund } = await throttle.countAttempt(attempt);
      const proof = await proofs.check({ proofId, code, browser }, "sign_in").catch(async (error: unknown) => {
        if (!isWrongCode(error)) await refund();
        else await audit.record({ action: "sign_in", outcome: "refused", userId, detail: byMail, source });
        throw error;
      });
      const first: FirstStep = {
        proved: [{ method: "email", at: now() }],
        browser,
        deviceId,
        replaces,
        detail: byMail,
      };
      const { account, continued } = await db.transaction().execute(async (transaction) => {
        const locked = await users.lockEnabledUser(userId ?? "", transaction);
        // The account was disabled, or its address changed, since the code was sent.
        if (!locked || !canGetMail(locked.user) || locked.user.email !== proof.email) throw dead();
        await proofs.spendWithin(transaction, proof.id);
        const outcome = await signIn.continueWithin(transaction, locked, first, source);
        if ("missing" in outcome) return { account: locked, continued: outcome };
        await succeeded(transaction);
        if (deviceId === null) await notices.newDevice(locked.user.id, source, transaction);
        return { account: locked, continued: outcome };
      });
      // As with passwords: a right code before a second factor is neither a failure nor a success.
      if ("missing" in continued) await refund();
      return signIn.finish(continued, account, first);
    },
  };
};

/** For the audit log: how they signed in. */
const byMail = { method: "email" };

const isWrongCode = (error: unknown): boolean =>
  error instanceof DomainError && (error.details as { readonly reason?: string }).reason === "wrong_code";

const dead = () => new DomainError("PROOF_REFUSED", { reason: "expired", triesLeft: 0 });
