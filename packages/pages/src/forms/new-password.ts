// Owns the input of forms for a new password.

import { ChangePasswordInput, passwordLength } from "@lockstep/kit";
import { z } from "zod";

/**
 * The schema of a new password; the server checks the rest.
 * @param choose the message for an empty one
 */
export const newPassword = (choose: string) => z.string().min(1, { error: choose }).max(passwordLength.max);

/** The options of `newPasswordInput`. */
export interface NewPasswordOptions {
  /** Whether there is no password so far: the current one is then left empty. */
  readonly first: boolean;
  /** The message for an empty new password. */
  readonly choose: string;
}

/** The schema of a form that changes a password, or sets the first one. */
export const newPasswordInput = ({ first, choose }: NewPasswordOptions) =>
  z.object({
    currentPassword: first ? z.literal("") : ChangePasswordInput.shape.currentPassword,
    newPassword: newPassword(choose),
  });
/** The output of `newPasswordInput`. */
export type NewPasswordInput = z.output<ReturnType<typeof newPasswordInput>>;
