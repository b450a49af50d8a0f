// Owns the shapes of signing in.

import { z } from "zod";
import { Password, User } from "./users.ts";

export const LoginInput = z.object({
  /** A username or an e-mail address. */
  username: z
    .string()
    .trim()
    .min(1, { error: "Enter your username or e-mail address" })
    .max(254)
    .refine((text) => text.isWellFormed() && !text.includes("\0"), { error: "Must be plain text" }),
  password: Password,
  transport: z.enum(["body", "cookie"]).default("body").describe("Where the refresh token travels"),
  /** From an earlier sign-in on this device: keeps its owner from being locked out by an attack on the account. */
  deviceToken: z.string().max(200).optional(),
});
export type LoginInput = z.infer<typeof LoginInput>;

/** What a client holds of a session. */
const Tokens = z.object({
  accessToken: z.string(),
  tokenType: z.literal("Bearer"),
  /** Seconds until the access token expires. */
  expiresIn: z.int(),
  /** Absent with the `cookie` transport, where no script can read it. */
  refreshToken: z.string().optional(),
});

/** A union on `status`, so that a second factor is one more member. */
export const LoginResult = z.discriminatedUnion("status", [
  Tokens.extend({
    status: z.literal("signed_in"),
    sessionId: z.string(),
    user: User,
    /** Absent with the `cookie` transport. */
    deviceToken: z.string().optional(),
  }),
]);
export type LoginResult = z.infer<typeof LoginResult>;

export const RefreshInput = z.object({
  /** Absent with the `cookie` transport. */
  refreshToken: z.string().max(200).optional(),
});
export type RefreshInput = z.infer<typeof RefreshInput>;

export const RefreshResult = Tokens.extend({ sessionId: z.string(), user: User });
export type RefreshResult = z.infer<typeof RefreshResult>;

export const ChangePasswordInput = z.object({
  currentPassword: Password,
  newPassword: Password,
});
export type ChangePasswordInput = z.infer<typeof ChangePasswordInput>;
