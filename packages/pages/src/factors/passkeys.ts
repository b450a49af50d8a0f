// Owns asking the browser for passkeys. The library is loaded when it is first needed.

import type { Enrolment, NewPasskey, PasskeyAnswer, PasskeyOptions } from "@lockstep/kit";
import type { Backend } from "../app/backend.ts";

/** Whether this browser has passkeys. */
export const hasPasskeys = (): boolean => typeof PublicKeyCredential !== "undefined";

/**
 * Asks the user for a passkey. `null`: they gave none.
 * @param conditional offers passkeys among the suggestions of the field for the username, in place of a dialog
 */
export const askForPasskey = async (
  { challengeId, options }: PasskeyOptions,
  { conditional = false } = {},
): Promise<PasskeyAnswer | null> => {
  try {
    const { startAuthentication } = await import("@simplewebauthn/browser");
    const credential = await startAuthentication({ optionsJSON: options, useBrowserAutofill: conditional });
    return { challengeId, credential: credential as PasskeyAnswer["credential"] };
  } catch {
    // They closed the dialog, it timed out, this page is at another address than the passkeys, or the library could not be
    // loaded. The user does the same about each: try again, or use another way.
    return null;
  }
};

type NewPasskeyOptions = Extract<Enrolment, { kind: "passkey" }>["options"];

/** Makes a passkey. `null`: the user did not. */
export const makePasskey = async (options: NewPasskeyOptions): Promise<NewPasskey | null> => {
  try {
    const { startRegistration } = await import("@simplewebauthn/browser");
    return (await startRegistration({ optionsJSON: options })) as NewPasskey;
  } catch {
    return null; // as above
  }
};

/** Ends a request that waits among the suggestions of a field. */
export const stopAsking = async (): Promise<void> => {
  const library = await import("@simplewebauthn/browser").catch(() => null);
  library?.WebAuthnAbortService.cancelCeremony();
};

/** What browsers tell password managers about passkeys (WebAuthn Level 3 §5.1.10). Absent in some. */
interface Signals {
  readonly signalUnknownCredential?: (which: { rpId: string; credentialId: string }) => Promise<void>;
  readonly signalAllAcceptedCredentials?: (all: {
    rpId: string;
    userId: string;
    allAcceptedCredentialIds: readonly string[];
  }) => Promise<void>;
  readonly signalCurrentUserDetails?: (user: {
    rpId: string;
    userId: string;
    name: string;
    displayName: string;
  }) => Promise<void>;
}

const browserSignals = () => globalThis.PublicKeyCredential as unknown as Signals | undefined; // optional above, and checked before use

/** Tells the browser that the server does not know this passkey, so that it offers it no more. */
export const forgetPasskey = async (rpId: string, credentialId: string): Promise<void> => {
  await browserSignals()
    ?.signalUnknownCredential?.({ rpId, credentialId })
    .catch(() => {});
};

/**
 * Tells the browser which passkeys the signed-in user has, and the user's names, so that it offers no others, and shows
 * no old name. Never while a passkey is being added: the browser would forget it.
 */
export const tellPasskeys = async ({ factor, user }: Pick<Backend["client"], "factor" | "user">): Promise<void> => {
  const signals = browserSignals();
  if (!signals?.signalAllAcceptedCredentials && !signals?.signalCurrentUserDetails) return;
  try {
    const [{ passkeys }, { username, fullName }] = await Promise.all([factor.list.query(), user.me.query()]);
    if (!passkeys) return;
    const { rpId, userHandle: userId, credentialIds: allAcceptedCredentialIds } = passkeys;
    await signals.signalAllAcceptedCredentials?.({ rpId, userId, allAcceptedCredentialIds });
    await signals.signalCurrentUserDetails?.({ rpId, userId, name: username, displayName: fullName });
  } catch {
    // The browser goes on as before: it offers a passkey that is then refused, or shows an old name.
  }
};
