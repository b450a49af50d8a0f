// Owns the shapes of signing in.

import { z } from "zod";
import { isStorableText, notPlainText } from "./text.ts";
import { Password, User } from "./users.ts";

// Not beside the schema of challenges, which no page needs.
/** Schema of the solution of a challenge, as `solveChallenge` and ALTCHA's widget write it: base64 of JSON. */
export const ChallengeSolution = z.string().max(2000).describe("The solution of the challenge of CHALLENGE_REQUIRED");

/** The input of `auth.login`. */
export const LoginInput = z.object({
  /** A username or an e-mail address. */
  username: z
    .string()
    .trim()
    .min(1, { error: "Enter your username or e-mail address" })
    .max(254)
    .refine(isStorableText, { error: notPlainText }),
  password: Password,
  transport: z.enum(["body", "cookie"]).default("body").describe("How the refresh token is sent"),
  /**
   * The device token of an earlier sign-in on this device. It prevents an attack on the account from locking out its
   * owner.
   */
  deviceToken: z.string().max(200).optional(),
  /** Of the challenge that an earlier call of the same operation was answered with. */
  solution: ChallengeSolution.optional(),
});
export type LoginInput = z.infer<typeof LoginInput>;

const AccessToken = z.object({
  accessToken: z.string(),
  tokenType: z.literal("Bearer"),
  /** Seconds until the access token expires. */
  expiresIn: z.int(),
});

/**
 * A session as its client sees it.
 * @internal
 */
export const Tokens = AccessToken.extend({
  /** Absent with the `cookie` transport, where no script can read it. */
  refreshToken: z.string().optional(),
});

/** The input of `auth.refresh`. */
export const RefreshInput = z.object({
  /** Absent with the `cookie` transport. */
  refreshToken: z.string().max(200).optional(),
});
export type RefreshInput = z.infer<typeof RefreshInput>;

/** The answer of `auth.refresh`. */
export const RefreshResult = Tokens.extend({ sessionId: z.string(), user: User });
export type RefreshResult = z.infer<typeof RefreshResult>;

/** The answer of `auth.issueAccessToken`. */
export const AccessTokenResult = AccessToken.extend({
  sessionId: z.string(),
  user: User,
  /** Whether to call `auth.refresh` now. Only do so where its cookie is sure to reach the browser. */
  refreshDue: z.boolean(),
});
export type AccessTokenResult = z.infer<typeof AccessTokenResult>;

const Ids = z.array(z.string().regex(/^[\w-]{1,100}$/, { error: "Must be an ID" })).max(100);

/**
 * The access that is revoked together with a change of the password, in the same transaction. Unknown IDs are ignored.
 */
const RevokedAccess = z.object({
  /** IDs of clients, whose grants are revoked. `true`: every grant. */
  revokeGrants: z.union([z.boolean(), Ids]).default(false),
  /** IDs of identities to unlink. */
  unlinkIdentities: Ids.default([]),
});

/** The input of `user.changePassword`. */
export const ChangePasswordInput = RevokedAccess.extend({
  currentPassword: Password,
  newPassword: Password,
});
export type ChangePasswordInput = z.infer<typeof ChangePasswordInput>;

/** The input of `user.setPassword`. */
export const SetPasswordInput = RevokedAccess.extend({ newPassword: Password });
export type SetPasswordInput = z.infer<typeof SetPasswordInput>;
