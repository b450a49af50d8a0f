// A field for a password: shown on request, open to pasting, and known to password managers.

import { PasswordInput, type PasswordInputProps } from "@mantine/core";
import { sessionWords } from "../words/shared.ts";
import { useWords } from "../words/words.ts";

/** What a field for a password is given, besides the props of Mantine's. */
export interface PasswordFieldProps extends Omit<PasswordInputProps, "label" | "autoComplete"> {
  readonly label: string;
  readonly autoComplete: "current-password" | "new-password";
}

/** A field for a password. */
export const PasswordField = ({ label, ...props }: PasswordFieldProps) => {
  const { showPassword } = useWords("session", sessionWords);
  return (
    <PasswordInput
      label={label}
      required
      visibilityToggleFocusable
      visibilityToggleButtonProps={{ "aria-label": showPassword(label) }}
      {...props}
      // Mantine sets this in its other inputs only.
      aria-invalid={props.error ? true : undefined}
    />
  );
};
