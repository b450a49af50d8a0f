// Owns the texts of the pages as one typed object, and how an app replaces them. The words of each page are beside it,
// so that they are loaded with it.

import type { Errors, RpcErrorData } from "@lockstep/kit";
import { useMemo } from "react";
import { useAppContext } from "../app/context.ts";
import type { factorWords } from "../factors/words.ts";
import type { challengeWords } from "../forms/challenge-words.ts";
import type { newPasswordWords } from "../forms/new-password-words.ts";
import type { accountWords } from "../pages/account/words.ts";
import type { appsWords } from "../pages/apps/words.ts";
import type { consentWords } from "../pages/consent/words.tsx";
import type { developerWords } from "../pages/developer/words.ts";
import type { deviceWords as devicePageWords } from "../pages/device/words.ts";
import type { emailWords } from "../pages/email/words.tsx";
import type { errorWords as errorPageWords } from "../pages/error/words.ts";
import type { linkedAccountsWords } from "../pages/linked-accounts/words.tsx";
import type { notFoundWords } from "../pages/not-found/words.ts";
import type { passwordWords } from "../pages/password/words.tsx";
import type { proofWords } from "../pages/proof/words.tsx";
import type { recoverWords } from "../pages/recover/words.tsx";
import type { secondFactorsWords } from "../pages/second-factors/words.tsx";
import type { securityWords } from "../pages/security/words.tsx";
import type { sessionsWords } from "../pages/sessions/words.tsx";
import type { signInWords } from "../pages/sign-in/words.ts";
import type { signInCodeWords } from "../pages/sign-in-code/words.tsx";
import type { signOutWords } from "../pages/sign-out/words.tsx";
import type { signUpWords } from "../pages/sign-up/words.tsx";
import type { yourDataWords } from "../pages/your-data/words.tsx";
import type { proofsWords } from "../proofs/words.ts";
import type { loginProblemWords } from "../session/login-problem-words.ts";
import type { reauthenticationWords } from "../session/reauthentication-words.ts";
import type { signInNoticeWords } from "../session/sign-in-notice-words.ts";
import type { EngineErrorWords, ErrorWords } from "./errors.ts";
import type { clientWords, failureWords, layoutWords, sessionWords } from "./shared.ts";
import type { deviceWords, timeWords } from "./time-words.ts";

/** Every text of the pages, by page, then those that several pages share. */
export interface Words {
  readonly signIn: typeof signInWords;
  readonly signInCode: typeof signInCodeWords;
  readonly signUp: typeof signUpWords;
  readonly recover: typeof recoverWords;
  readonly proof: typeof proofWords;
  readonly account: typeof accountWords;
  readonly email: typeof emailWords;
  readonly security: typeof securityWords;
  readonly sessions: typeof sessionsWords;
  readonly apps: typeof appsWords;
  readonly developer: typeof developerWords;
  readonly linkedAccounts: typeof linkedAccountsWords;
  readonly password: typeof passwordWords;
  readonly yourData: typeof yourDataWords;
  readonly secondFactors: typeof secondFactorsWords;
  readonly consent: typeof consentWords;
  readonly device: typeof devicePageWords;
  readonly signOut: typeof signOutWords;
  readonly error: typeof errorPageWords;
  readonly notFound: typeof notFoundWords;
  /** The texts of each error. */
  readonly errors: EngineErrorWords;
  readonly failures: typeof failureWords;
  readonly layout: typeof layoutWords;
  readonly clients: typeof clientWords;
  readonly time: typeof timeWords;
  readonly devices: typeof deviceWords;
  readonly session: typeof sessionWords;
  /** Asking for codes that are sent by mail, and refused codes. */
  readonly proofs: typeof proofsWords;
  /** The field for a new password. */
  readonly newPassword: typeof newPasswordWords;
  /** While the browser solves a challenge of the server. */
  readonly challenge: typeof challengeWords;
  readonly signInNotice: typeof signInNoticeWords;
  readonly loginProblems: typeof loginProblemWords;
  readonly reauthentication: typeof reauthenticationWords;
  /** Second factors, wherever they are asked for and added. */
  readonly factors: typeof factorWords;
  /** BCP 47 tag of the language that times, numbers and lists are written in. */
  readonly language: string;
}

/** Some of the texts, in the shape of all of them. */
export type SomeOf<T> = {
  readonly [K in keyof T]?: T[K] extends (...parts: never) => unknown
    ? T[K]
    : T[K] extends object
      ? SomeOf<T[K]>
      : T[K];
};

/** The codes of a contract's errors that the engine does not have. */
type OwnErrorCode<Es extends Errors> = Exclude<keyof Es & string, keyof EngineErrorWords>;

/**
 * The texts of an app: replacements for any of the pages' texts, and the texts of its contract's own errors.
 * An error without words does not compile.
 */
export type AppWords<Es extends Errors> = Omit<SomeOf<Words>, "errors"> & {
  readonly errors: SomeOf<EngineErrorWords> & {
    readonly [C in OwnErrorCode<Es>]: ErrorWords<RpcErrorData<Es, C>>;
  };
};

/** The texts of one part: `defaults`, with the app's replacements. */
export const useWords = <P extends keyof Words>(part: P, defaults: Words[P]): Words[P] => {
  const overrides = useAppContext().words[part];
  return useMemo(() => merge(defaults, overrides), [defaults, overrides]);
};

const merge = <T>(defaults: T, overrides: unknown): T => {
  if (overrides === undefined) return defaults;
  if (!isRecord(defaults) || !isRecord(overrides)) return overrides as T;
  const names = Object.keys({ ...defaults, ...overrides });
  return Object.fromEntries(names.map((name) => [name, merge(defaults[name], overrides[name])])) as T;
};

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
