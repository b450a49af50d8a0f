// Owns what is entered to change a password, or to set the first one.

import { ChangePasswordInput, passwordLength } from "@lockstep/kit";
import { z } from "zod";

/** Which fields the form has, and what it says. */
export interface NewPasswordOptions {
  /** Whether there is no password so far: the current one is then left empty. */
  readonly first: boolean;
  /** What to say of a new password that is empty. */
  readonly choose: string;
}

/** The schema of a form that changes a password, or sets the first one. */
export const newPasswordInput = ({ first, choose }: NewPasswordOptions) =>
  z.object({
    currentPassword: first ? z.literal("") : ChangePasswordInput.shape.currentPassword,
    // The server says what else is wrong with it.
    newPassword: z.string().min(1, { error: choose }).max(passwordLength.max),
  });
/** The output of `newPasswordInput`. */
export type NewPasswordInput = z.output<ReturnType<typeof newPasswordInput>>;
