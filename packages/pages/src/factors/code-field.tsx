// The field for a code of an authenticator app, or for a recovery code.

import { TextInput } from "@mantine/core";

export interface CodeFieldProps {
  readonly label: string;
  readonly value: string;
  readonly error: string | null;
  /** Whether it is a code of six digits. */
  readonly digits?: boolean;
  readonly onChange: (value: string) => void;
}

export const CodeField = ({ label, value, error, digits = false, onChange }: CodeFieldProps) => (
  <TextInput
    label={label}
    required
    autoFocus
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
