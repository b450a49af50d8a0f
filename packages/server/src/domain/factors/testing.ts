// Owns people with factors in tests: the domain without a server, an authenticator app in their hand, and a passkey.

import { expect } from "vitest";
import { codeOf } from "../../../test/authenticator-app.ts";
import type { NewDatabase } from "../../../test/engines.ts";
import { createAuthenticator } from "../../../test/software-authenticator.ts";
import type { Config } from "../../config.ts";
import { john, testSource, typed } from "../../testing.ts";
import { startAccounts } from "../accounts/testing.ts";
import type { CompleteSignIn, SignInOutcome } from "../sessions/sign-in.ts";
import type { PendingSignIn } from "./sign-in-challenges.ts";

/** A sign-in that asks for more. */
export const pendingOnly = (outcome: SignInOutcome): PendingSignIn => {
  if (outcome.status === "signed_in") throw new Error("The sign-in is complete");
  return outcome;
};

/** The domain, with the user `john` and whatever factors a test gives him. */
export const startFactors = async (
  newDatabase: (content: "migrated") => Promise<NewDatabase>,
  settings: Partial<Omit<Config, "secret">> = {},
) => {
  const accounts = await startAccounts(newDatabase, settings);
  const { domain, clock, config } = accounts;
  const { signIn, factorSignIn, passkeys } = domain;
  const asked = { browser: null, source: testSource };

  /** Adds an app within a session. Its next code is of a later step. */
  const addTotp = async (owner: Pick<CompleteSignIn, "user" | "session">, name = "Phone") => {
    const begun = await factorSignIn.beginFactor(owner, "totp");
    if (begun.kind !== "totp") throw new Error("Another kind of factor was begun");
    const { enrolmentId, secret } = begun;
    const finished = { enrolmentId, name, totp: codeOf(secret, clock.now()) };
    const factor = await factorSignIn.completeFactor(owner, finished, testSource);
    clock.advanceSeconds(60);
    return { ...factor, secret, code: () => codeOf(secret, clock.now()) };
  };

  const addPasskey = async (
    owner: Pick<CompleteSignIn, "user" | "session">,
    authenticator = createAuthenticator({ origin: config.publicUrl }),
  ) => {
    const begun = await factorSignIn.beginFactor(owner, "passkey");
    if (begun.kind !== "passkey") throw new Error("Another kind of factor was begun");
    const finished = { enrolmentId: begun.enrolmentId, name: "Key", passkey: authenticator.create(begun) };
    return { ...(await factorSignIn.completeFactor(owner, finished, testSource)), authenticator };
  };

  /** Signs in with a username and a password, as far as they go. */
  const begin = (
    username: string = john.username,
    { deviceToken = null, browser = null }: { deviceToken?: string | null; browser?: string | null } = {},
  ) => signIn.begin({ ...typed(username, john.password), deviceToken, browser });

  return {
    ...accounts,
    addTotp,
    addPasskey,
    begin,

    /** Signs in with a password alone. */
    signIn: () => signIn.withPassword(typed(john.username, john.password)),

    /** Begins to sign in with a password, of an account that has a second factor. */
    beginPending: async (username?: string, device?: { deviceToken?: string | null; browser?: string | null }) => {
      const outcome = await begin(username, device);
      expect(outcome).not.toHaveProperty("accessToken");
      return pendingOnly(outcome);
    },

    /** Completes a sign-in with a code of an app. */
    complete: (challengeId: string, totp: string, { trustDevice = false, browser = null as string | null } = {}) =>
      factorSignIn.complete(challengeId, { totp }, { ...asked, browser, trustDevice }),

    withPasskey: async (authenticator: ReturnType<typeof createAuthenticator>, mischief = {}) =>
      factorSignIn.withPasskey(authenticator.get(await passkeys.options(), mischief), {
        deviceToken: null,
        replaces: null,
        source: testSource,
      }),

    /** `acr`, `amr` and so on of an access token. */
    claims: (accessToken: string) =>
      JSON.parse(Buffer.from(accessToken.split(".")[1] ?? "", "base64url").toString()) as Record<string, unknown>,

    sessionCount: async () =>
      (await domain.sessions.list((await domain.users.findByLogin(john.username))?.user.id ?? "")).length,
  };
};
