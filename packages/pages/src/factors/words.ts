// Owns the words of second factors, wherever they are asked for and added.

import type { FactorKind, SecondFactorMethod } from "@lockstep/kit";

export const factorWords = {
  /** The second step of a sign-in. */
  prove: {
    title: "One more step",
    lead: "Your account asks for a second factor.",
    methods: {
      totp: "Use an authenticator app",
      passkey: "Use a passkey",
      recovery_code: "Use a recovery code",
    } satisfies Record<SecondFactorMethod, string>,
    code: "Code of your authenticator app",
    recoveryCode: "Recovery code",
    trust: "Do not ask on this device for a while",
    submit: "Continue",
    submitting: "Checking…",
    passkey: "Continue with a passkey",
    waiting: "Waiting for your passkey…",
    noPasskey: "No passkey was given. Try again, or use another way.",
    wrongCode: "This code does not work. Enter the one that the app shows now.",
    wrongRecoveryCode: "This code does not work, or was used before.",
    startAgain: "Start again",
  },
  /** Adding a factor. */
  add: {
    required: {
      title: "Protect your account",
      lead: "This service asks for a second factor. Add one to sign in.",
    },
    kinds: { totp: "Add an authenticator app", passkey: "Add a passkey" } satisfies Record<FactorKind, string>,
    scan: "Scan this code with an authenticator app, or type the key into it. Then enter the code that the app shows.",
    qrCode: "QR code for your authenticator app",
    key: "Key",
    code: "Code that the app shows",
    name: "Name",
    names: { totp: "Authenticator app", passkey: "Passkey" } satisfies Record<FactorKind, string>,
    passkeyText: "Your browser asks where to keep it: on this device, on your phone, or on a security key.",
    submit: "Add",
    submitting: "Adding…",
    cancel: "Cancel",
    notMade:
      "No passkey was made. Try again, and confirm with your PIN, fingerprint or face. A security key needs a PIN for this.",
  },
  /** On the sign-in page. */
  signIn: {
    passkey: "Sign in with a passkey",
    waiting: "Waiting for your passkey…",
    noPasskey: "No passkey was given. Try again, or sign in another way.",
    unknown:
      "This passkey does not open an account here. It may have been removed. Sign in another way, then add a new passkey.",
  },
};
