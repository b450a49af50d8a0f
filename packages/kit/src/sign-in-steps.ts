// Owns the shapes of sign-ins of more than one step, and of stepping up. Apart from `sign-in.ts`, so that a sign-in page
// loads no more than it needs.

import { z } from "zod";
import { FactorKind, PasskeyAnswer, RecoveryCode, SecondFactorMethod, TotpCode } from "./factors.ts";
import { LoginInput, Tokens } from "./sign-in.ts";
import { Password, User } from "./users.ts";

/** The answer to a sign-in that is complete. */
export const SignedIn = Tokens.extend({
  status: z.literal("signed_in"),
  sessionId: z.string(),
  user: User,
  /** Absent with the `cookie` transport, and after a step-up. */
  deviceToken: z.string().optional(),
});
export type SignedIn = z.infer<typeof SignedIn>;

const challenge = {
  /** Names this sign-in. With the `cookie` transport it works in this browser only; otherwise keep it secret. */
  challengeId: z.string(),
  /** Seconds until it expires. */
  expiresIn: z.int(),
};

/** The answer of `auth.login`: a union on `status`. */
export const LoginResult = z.discriminatedUnion("status", [
  SignedIn,
  /** Continue with `auth.completeLogin`. Nobody is signed in yet. */
  z.object({
    status: z.literal("second_factor_required"),
    ...challenge,
    /** What the account can prove itself with. */
    methods: z.array(SecondFactorMethod),
  }),
  /**
   * The account has to have a second factor and has none. Continue with `auth.beginEnrolment` and
   * `auth.completeEnrolment`. Nobody is signed in yet.
   */
  z.object({
    status: z.literal("enrolment_required"),
    ...challenge,
    /** The kinds of factors that can be added. */
    kinds: z.array(FactorKind),
  }),
]);
export type LoginResult = z.infer<typeof LoginResult>;

const ChallengeId = z.string().max(8000).describe("The `challengeId` of the answer to the sign-in");

/** What proves a second factor: one of these. */
const secondFactor = {
  totp: TotpCode.optional(),
  recoveryCode: RecoveryCode.optional(),
  passkey: PasskeyAnswer.optional(),
};

const secondFactorsIn = (input: { readonly [K in keyof typeof secondFactor]?: unknown }): number =>
  [input.totp, input.recoveryCode, input.passkey].filter((given) => given !== undefined).length;

/** The input of `auth.completeLogin`. */
export const CompleteLoginInput = z
  .object({
    challengeId: ChallengeId,
    ...secondFactor,
    /** Whether this device may sign in without a second factor for some time. */
    trustDevice: z.boolean().default(false),
    transport: LoginInput.shape.transport,
  })
  .refine((input) => secondFactorsIn(input) === 1, { error: "Send one of totp, recoveryCode and passkey" });
export type CompleteLoginInput = z.infer<typeof CompleteLoginInput>;

/** The input of `auth.loginWithPasskey`. */
export const PasskeyLoginInput = z.object({
  passkey: PasskeyAnswer,
  transport: LoginInput.shape.transport,
  /** As in `auth.login`. */
  deviceToken: LoginInput.shape.deviceToken,
});
export type PasskeyLoginInput = z.infer<typeof PasskeyLoginInput>;

/** The input of `auth.stepUp`: the password, a second factor, or both. */
export const StepUpInput = z
  .object({ password: Password.optional(), ...secondFactor, transport: LoginInput.shape.transport })
  .refine((input) => secondFactorsIn(input) === 1 || (input.password !== undefined && secondFactorsIn(input) === 0), {
    error: "Send the password, one of totp, recoveryCode and passkey, or both",
  });
export type StepUpInput = z.infer<typeof StepUpInput>;

/** The input of `auth.beginEnrolment`. */
export const BeginEnrolmentInput = z.object({ challengeId: ChallengeId, kind: FactorKind });
export type BeginEnrolmentInput = z.infer<typeof BeginEnrolmentInput>;
