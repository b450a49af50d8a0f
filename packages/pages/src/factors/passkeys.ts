// Owns asking the browser for passkeys. The library is loaded when it is first needed.

import type { Enrolment, NewPasskey, PasskeyAnswer, PasskeyOptions } from "@lockstep/kit";

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
  const { startAuthentication } = await import("@simplewebauthn/browser");
  try {
    const credential = await startAuthentication({ optionsJSON: options, useBrowserAutofill: conditional });
    return { challengeId, credential: credential as PasskeyAnswer["credential"] };
  } catch {
    // They closed the dialog, it timed out, or this page is at another address than the passkeys. Browsers hardly tell.
    return null;
  }
};

type NewPasskeyOptions = Extract<Enrolment, { kind: "passkey" }>["options"];

/** Makes a passkey. `null`: the user did not. */
export const makePasskey = async (options: NewPasskeyOptions): Promise<NewPasskey | null> => {
  const { startRegistration } = await import("@simplewebauthn/browser");
  try {
    return (await startRegistration({ optionsJSON: options })) as NewPasskey;
  } catch {
    return null; // as above
  }
};

/** What browsers tell password managers about passkeys (WebAuthn Level 3 §5.1.10). Absent in some. */
interface Signals {
  readonly signalUnknownCredential?: (which: { rpId: string; credentialId: string }) => Promise<void>;
}

/** Tells the browser that the server does not know this passkey, so that it offers it no more. */
export const forgetPasskey = async (rpId: string, credentialId: string): Promise<void> => {
  const signals = globalThis.PublicKeyCredential as unknown as Signals | undefined;
  await signals?.signalUnknownCredential?.({ rpId, credentialId }).catch(() => {});
};
