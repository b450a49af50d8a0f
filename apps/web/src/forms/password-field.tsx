// A field for a password: shown on request, pasted into freely, and known to password managers.

import { PasswordInput, type PasswordInputProps } from "@mantine/core";

export interface PasswordFieldProps extends Omit<PasswordInputProps, "label" | "autoComplete"> {
  readonly label: string;
  readonly autoComplete: "current-password" | "new-password";
}

export const PasswordField = ({ label, ...props }: PasswordFieldProps) => (
  <PasswordInput
    label={label}
    required
    visibilityToggleFocusable
    visibilityToggleButtonProps={{ "aria-label": `Show the ${label.toLowerCase()}` }}
    {...props}
    // Mantine leaves this out here, unlike in its other inputs.
    aria-invalid={props.error ? true : undefined}
  />
);
