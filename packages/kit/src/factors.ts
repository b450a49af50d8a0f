// Owns the shapes of factors: authenticator apps (TOTP), passkeys, recovery codes, and the devices that a user trusts.

import { z } from "zod";
import { displayName } from "./names.ts";
import { codeLetters, proofCodeLetters } from "./proofs.ts";

/** The kinds of factors that a user can add. */
export const FactorKind = z.enum(["totp", "passkey"]);
export type FactorKind = z.infer<typeof FactorKind>;

/** The ways to prove a second factor. */
export const SecondFactorMethod = z.enum(["totp", "passkey", "recovery_code"]);
export type SecondFactorMethod = z.infer<typeof SecondFactorMethod>;

/**
 * The names of assurance in tokens, from the least to the most: one factor, two factors, and two factors in a way that
 * no other site can ask for. `phr` is of OpenID Connect EAP ACR Values 1.0.
 * @see OpenID Connect Core §2, RFC 9470
 */
export const acrValues = ["1fa", "2fa", "phr"] as const;
/** A name of assurance, as tokens say it. */
export type Acr = (typeof acrValues)[number];

/** Schema of a code of an authenticator app, as people type it: `123 456`. */
export const TotpCode = z
  .string()
  .max(40)
  .overwrite((typed) => typed.normalize("NFKC").replace(/[\s-]/g, ""))
  .regex(/^\d{6}$/, { error: "Enter the 6 digits that the app shows" });

/**
 * The number of letters of a recovery code: 2 that name it, and 10 that are secret, 43 bits.
 * @internal
 */
export const recoveryCodeLength = 12;

/** Schema of a recovery code, as people type or paste it: `BCDF-GHJK-LMNP`. */
export const RecoveryCode = z
  .string()
  .max(100)
  .overwrite(codeLetters)
  .regex(new RegExp(`^[${proofCodeLetters}]{${recoveryCodeLength}}$`), {
    error: `Enter the ${recoveryCodeLength} letters of the code`,
  });

/** The longest text that a passkey's ID or answer can be, in base64url. */
const base64url = (maxLength: number) =>
  z
    .string()
    .max(maxLength)
    .regex(/^[\w-]*$/, { error: "Must be base64url" });

const Transports = z.array(z.string().max(30)).max(10);

const credential = { id: base64url(1400), rawId: base64url(1400), type: z.literal("public-key") };

const PasskeyChallengeId = z.string().max(2000).describe("The ID that came with the options");

/**
 * The answer of a passkey to `auth.passkeyOptions`: what `navigator.credentials.get` returned, as JSON.
 * @see WebAuthn Level 3 §5.1
 */
export const PasskeyAnswer = z.object({
  challengeId: PasskeyChallengeId,
  credential: z.object({
    ...credential,
    response: z.object({
      clientDataJSON: base64url(4000),
      authenticatorData: base64url(4000),
      signature: base64url(8000),
      userHandle: base64url(200).optional(),
    }),
  }),
});
export type PasskeyAnswer = z.infer<typeof PasskeyAnswer>;

/** A new passkey: what `navigator.credentials.create` returned, as JSON. */
export const NewPasskey = z.object({
  ...credential,
  response: z.object({
    clientDataJSON: base64url(4000),
    attestationObject: base64url(20_000),
    transports: Transports.optional(),
  }),
});
export type NewPasskey = z.infer<typeof NewPasskey>;

/** The answer of `auth.passkeyOptions`: what to call `navigator.credentials.get` with. */
export const PasskeyOptions = z.object({
  challengeId: z.string(),
  options: z.object({
    challenge: z.string(),
    rpId: z.string(),
    /** Milliseconds. */
    timeout: z.int(),
    userVerification: z.literal("required"),
  }),
});
export type PasskeyOptions = z.infer<typeof PasskeyOptions>;

/** A factor that was begun: what the user needs to add it. */
export const Enrolment = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("totp"),
    enrolmentId: z.string(),
    /** For typing it into an app: base32. */
    secret: z.string(),
    /** For opening an app on this device: `otpauth://totp/…`. */
    uri: z.string(),
    /** The same as a QR code: an SVG without styles. */
    qrCode: z.string(),
  }),
  z.object({
    kind: z.literal("passkey"),
    enrolmentId: z.string(),
    /** What to call `navigator.credentials.create` with. */
    options: z.object({
      rp: z.object({ id: z.string(), name: z.string() }),
      user: z.object({ id: z.string(), name: z.string(), displayName: z.string() }),
      challenge: z.string(),
      pubKeyCredParams: z.array(z.object({ type: z.literal("public-key"), alg: z.int() })),
      /** Milliseconds. */
      timeout: z.int(),
      excludeCredentials: z.array(z.object({ id: z.string(), type: z.literal("public-key") })),
      authenticatorSelection: z.object({
        residentKey: z.literal("required"),
        requireResidentKey: z.literal(true),
        userVerification: z.literal("required"),
      }),
      attestation: z.literal("none"),
    }),
  }),
]);
export type Enrolment = z.infer<typeof Enrolment>;

/** Schema of the name that a user gives a factor. */
export const FactorName = displayName({ maxLength: 60 });

const enrolled = {
  enrolmentId: z.string().max(2000).describe("The ID that the factor was begun with"),
  name: FactorName,
  /** A code of the app, for `totp`. */
  totp: TotpCode.optional(),
  /** For `passkey`. */
  passkey: NewPasskey.optional(),
};

const isOne = ({ totp, passkey }: { readonly totp?: unknown; readonly passkey?: unknown }) =>
  (totp === undefined) !== (passkey === undefined);

const oneKind = { error: "Send totp or passkey" };

/** The input of `factor.complete`. */
export const CompleteFactorInput = z.object(enrolled).refine(isOne, oneKind);
export type CompleteFactorInput = z.infer<typeof CompleteFactorInput>;

/** The input of `auth.completeEnrolment`. */
export const CompleteEnrolmentInput = z
  .object({
    ...enrolled,
    challengeId: z.string().max(8000).describe("The `challengeId` of the answer to the sign-in"),
    transport: z.enum(["body", "cookie"]).default("body").describe("How the refresh token is sent"),
  })
  .refine(isOne, oneKind);
export type CompleteEnrolmentInput = z.infer<typeof CompleteEnrolmentInput>;

/** A factor, as its user sees it. */
export const Factor = z.object({
  id: z.string(),
  kind: FactorKind,
  name: z.string(),
  /** Epoch milliseconds. */
  createdAt: z.int(),
  /** Epoch milliseconds. `null`: never. */
  lastUsedAt: z.int().nullable(),
});
export type Factor = z.infer<typeof Factor>;

/** A device that signs in without a second factor. */
export const TrustedDevice = z.object({
  id: z.string(),
  userAgent: z.string().nullable(),
  /** The IP address of the last sign-in. */
  address: z.string().nullable(),
  /** Epoch milliseconds, as the others. */
  createdAt: z.int(),
  lastUsedAt: z.int(),
  expiresAt: z.int(),
});
export type TrustedDevice = z.infer<typeof TrustedDevice>;

/** The answer of `factor.list`. */
export const FactorList = z.object({
  factors: z.array(Factor),
  /** How many recovery codes have not been used. */
  recoveryCodesLeft: z.int(),
  trustedDevices: z.array(TrustedDevice),
  /**
   * What to tell the browser with `PublicKeyCredential.signalAllAcceptedCredentials`. `null`: passkeys do not work at the
   * address of this server.
   * @see WebAuthn Level 3 §5.1.10
   */
  passkeys: z
    .object({
      rpId: z.string(),
      /** The user, as passkeys know them: base64url. */
      userHandle: z.string(),
      credentialIds: z.array(z.string()),
    })
    .nullable(),
  /** Whether this server requires a second factor of this user. Then the last one cannot be removed. */
  required: z.boolean(),
  /** Until when the user can still sign in without one: epoch milliseconds. `null`: there is no such time. */
  dueAt: z.int().nullable(),
  /**
   * When every factor is removed, because an operator began a reset: epoch milliseconds. `null`: no reset is under way.
   * `factor.cancelReset` stops it.
   */
  resetsAt: z.int().nullable(),
});
export type FactorList = z.infer<typeof FactorList>;
