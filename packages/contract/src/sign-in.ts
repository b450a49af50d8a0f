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
});
export type LoginInput = z.infer<typeof LoginInput>;

/** A union on `status`, so that a second factor is one more member. */
export const LoginResult = z.discriminatedUnion("status", [
  z.object({
    status: z.literal("signed_in"),
    accessToken: z.string(),
    tokenType: z.literal("Bearer"),
    /** Seconds until the access token expires. */
    expiresIn: z.int(),
    user: User,
  }),
]);
export type LoginResult = z.infer<typeof LoginResult>;
