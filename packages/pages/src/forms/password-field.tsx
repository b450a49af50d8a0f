// A field for a password: shown on request, open to pasting, and known to password managers.

import { PasswordInput, type PasswordInputProps } from "@mantine/core";
import { sessionWords } from "../words/shared.ts";
import { useWords } from "../words/words.ts";

/** The props of `PasswordField`, besides those of Mantine's component. */
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
