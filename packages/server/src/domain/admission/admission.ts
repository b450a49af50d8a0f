// Owns whether an anonymous call is answered at all. It is decided by what the caller typed and where the call comes from,
// before any account is looked up, so the answer tells nothing about accounts. The app's hook decides first, within a time
// limit; when it fails, the call fails.

import type { Kysely } from "kysely";
import type { AppAudit, Source } from "../kernel/audit.ts";
import { DomainError } from "../kernel/domain-error.ts";
import type { Now, Random } from "../kernel/environment.ts";
import type { AttemptRates } from "./attempt-rates.ts";
import type { ChallengeKind, Challenges } from "./challenges.ts";

/** Whether a program has to do some work first: never, always, or while there are more attempts than people make. */
export type ChallengeSetting = "off" | "on" | "auto";

/** Somebody who wants to sign up, to sign in, or to recover an account. */
export interface AdmissionRequest {
  readonly kind: ChallengeKind;
  /** How: with the password, with a code that is sent by mail, with a passkey, or with an identity provider. */
  readonly by: "password" | "code" | "passkey" | "provider";
  /** The username or e-mail address, as it was typed or as the identity provider sent it. `null`: there is none. */
  readonly login: string | null;
  readonly source: Source;
  /** Aborted when the hook takes too long. */
  readonly signal: AbortSignal;
}

/**
 * The answer of `hooks.admit`: yes; yes, once a challenge is solved; or no, with a sentence for the user.
 * Who cannot solve a challenge, such as a program that calls `POST /token`, is refused where one is needed.
 */
export type AdmissionAnswer =
  | { readonly allow: true }
  | { readonly allow: "after_challenge" }
  | { readonly allow: false; readonly explanation?: string };

/** The tools of an app's hooks. `db` has the app's tables. */
export interface HookTools<Tables = object> {
  readonly db: Kysely<Tables>;
  /** The time that all servers of one database share: epoch milliseconds. */
  readonly now: Now;
  readonly random: Random;
  readonly audit: AppAudit;
}

/** Functions of the app that the engine calls. */
export interface Hooks<Tables = object> {
  /**
   * Decides whether somebody may sign up, sign in or recover an account, before anything is looked up. It must not depend
   * on whether there is an account: its answer would tell.
   *
   * It has three seconds. Until it answers, the caller waits; if it does not answer in time or throws, the call fails with
   * `UNAVAILABLE`, and the log says why.
   */
  readonly admit?: (request: AdmissionRequest, tools: HookTools<Tables>) => AdmissionAnswer | Promise<AdmissionAnswer>;
}

/** How long the app's hook may take. */
export const hookLimitMs = 3000;

/** How soon a caller may try again when the hook failed. */
const retryAfterSeconds = 5;

const refusedWithoutReason = "This is not possible from here at the moment.";

export interface AdmissionCall extends Omit<AdmissionRequest, "signal"> {
  /** The solution of a challenge. `undefined`: the caller has none yet. `null`: it can solve none. */
  readonly solution: string | null | undefined;
}

/** A call that was admitted. */
export interface Admitted {
  /** The caller proved to be a person with an account: the attempt does not count. */
  succeeded(): void;
}

export type Admission = ReturnType<typeof createAdmission>;

export const createAdmission = ({
  hook,
  tools,
  limitMs,
  setting,
  challenges,
  rates,
}: {
  hook: Hooks["admit"];
  tools: HookTools;
  limitMs: number;
  setting: ChallengeSetting;
  challenges: Challenges;
  rates: AttemptRates;
}) => {
  /** @throws DomainError `UNAVAILABLE` */
  const ask = async (request: Omit<AdmissionRequest, "signal">): Promise<AdmissionAnswer> => {
    if (!hook) return { allow: true };
    const aborting = new AbortController();
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      late.reject(new Error(`hooks.admit did not answer within ${limitMs} ms`));
      aborting.abort();
    }, limitMs);
    try {
      const asked = Promise.resolve().then(() => hook({ ...request, signal: aborting.signal }, tools));
      const answer = await Promise.race([asked, late.promise]);
      if (![true, false, "after_challenge"].includes(answer?.allow))
        throw new TypeError("hooks.admit answered without `allow`");
      return answer;
    } catch (error) {
      throw Object.assign(new DomainError("UNAVAILABLE", { retryAfterSeconds }), { cause: error });
    } finally {
      clearTimeout(timer);
    }
  };

  return {
    /**
     * Asks the hook about a sign-in with a passkey, which nobody guesses, or with an identity provider, which has its own
     * defence against programs: a challenge counts as solved.
     * @throws DomainError `NOT_ADMITTED`, `UNAVAILABLE`
     */
    async assertAllowed(request: Omit<AdmissionRequest, "signal">): Promise<void> {
      const answer = await ask(request);
      if (answer.allow === false) throw notAdmitted(answer);
    },

    /**
     * Admits a call, or refuses it.
     * @throws DomainError `NOT_ADMITTED`, `CHALLENGE_REQUIRED`, `UNAVAILABLE`; and `TOO_MANY_ATTEMPTS` for a caller that can
     * solve no challenge
     */
    async admit({ solution, ...request }: AdmissionCall): Promise<Admitted> {
      const { kind, source } = request;
      const { address } = source;
      const answer = await ask(request);
      if (answer.allow === false) throw notAdmitted(answer);
      const waitSeconds = setting === "off" ? 0 : rates.secondsUntilLow(address);
      const admitted: Admitted = { succeeded: () => rates.refund(address) };
      if (solution === null) {
        if (answer.allow === "after_challenge") throw new DomainError("NOT_ADMITTED", { explanation: needsChallenge });
        rates.count(address);
        if (waitSeconds > 0) throw new DomainError("TOO_MANY_ATTEMPTS", { retryAfterSeconds: waitSeconds });
        return admitted;
      }
      if (answer.allow === "after_challenge" || setting === "on" || waitSeconds > 0) {
        // Who has done the work is not counted.
        if (solution !== undefined && (await challenges.redeem(kind, solution))) return { succeeded() {} };
        rates.count(address);
        throw new DomainError("CHALLENGE_REQUIRED", { challenge: await challenges.create(kind) });
      }
      rates.count(address);
      return admitted;
    },
  };
};

const notAdmitted = ({ explanation = refusedWithoutReason }: { readonly explanation?: string }) =>
  new DomainError("NOT_ADMITTED", { explanation });

const needsChallenge = "This needs a challenge, which only the sign-in page and the client library can solve.";
