// The field for a code of an authenticator app, or for a recovery code.

import { TextInput } from "@mantine/core";
import type { Ref } from "react";

export interface CodeFieldProps {
  readonly label: string;
  readonly value: string;
  readonly error: string | null;
  /** Whether it is a code of six digits. */
  readonly digits?: boolean;
  /** Default: it is. */
  readonly autoFocus?: boolean;
  readonly ref?: Ref<HTMLInputElement>;
  readonly onChange: (value: string) => void;
}

export const CodeField = ({ label, value, error, digits = false, autoFocus = true, ref, onChange }: CodeFieldProps) => (
  <TextInput
    label={label}
    required
    autoFocus={autoFocus}
    {...(ref && { ref })}
    autoComplete={digits ? "one-time-code" : "off"}
    inputMode={digits ? "numeric" : "text"}
    autoCapitalize={digits ? "none" : "characters"}
    autoCorrect="off"
    spellCheck={false}
    value={value}
    error={error}
    onChange={({ currentTarget }) => onChange(currentTarget.value)}
  />
);
