// A field for a new password: says what is accepted, and whether the password is, while it is typed.

import { passwordLength } from "@lockstep/kit";
import { useEffect, useState } from "react";
import { useBrand } from "../app/context.ts";
import { useWords } from "../words/words.ts";
import styles from "./new-password-field.module.css";
import { newPasswordWords } from "./new-password-words.ts";
import { PasswordField, type PasswordFieldProps } from "./password-field.tsx";
import type { PasswordStrength } from "./password-strength.ts";

/** The props of `NewPasswordField`, besides those of Mantine's component. */
export interface NewPasswordFieldProps extends Omit<PasswordFieldProps, "autoComplete" | "value"> {
  readonly value: string;
  /** What an attacker would try first: the user's names and addresses. */
  readonly personal: readonly string[];
}

/** A field for a new password. */
export const NewPasswordField = ({ personal, ...props }: NewPasswordFieldProps) => {
  const words = useWords("newPassword", newPasswordWords);
  const estimated = useVerdict(props.value, personal);
  // The server has the last word.
  const verdict = props.error ? null : estimated;
  return (
    <div>
      <PasswordField
        autoComplete="new-password"
        description={props.error ? null : words.hint(passwordLength.min)}
        {...props}
      />
      <div className={styles.strength} data-score={verdict?.score} aria-hidden>
        {[1, 2, 3, 4].map((score) => (
          <span key={score} data-reached={verdict !== null && verdict.score >= score} />
        ))}
      </div>
      {/* The text changes only with the verdict, so it is not announced for each character. */}
      <p role="status" className={styles.verdict}>
        {verdict?.text}
      </p>
    </div>
  );
};

interface Verdict {
  /** From 1 to 4. */
  readonly score: number;
  readonly text: string;
}

/** What to say about a password; `null` while there is nothing to say. */
const useVerdict = (password: string, personal: readonly string[]): Verdict | null => {
  const words = useWords("newPassword", newPasswordWords);
  const strength = useStrength(password, [...personal, useBrand().name]);
  const { min, max } = passwordLength;
  if (password === "") return null;
  // The server counts the shorter one of the forms that look the same, and the longer one at the other end.
  if ([...password.normalize("NFKC")].length < min) return { score: 1, text: words.tooShort(min) };
  if ([...password].length > max) return { score: 1, text: words.tooLong(max) };
  if (strength === null) return null;
  if (strength.score >= 4) return { score: 4, text: words.strong };
  const { guessableBecause } = words;
  const warning = strength.warning ?? "";
  const text = Object.hasOwn(guessableBecause, warning)
    ? guessableBecause[warning as keyof typeof guessableBecause]
    : words.guessable;
  return { score: Math.max(1, strength.score), text };
};

/** `null` while the estimator is loaded, and when that fails: the server checks the password anyway. */
const useStrength = (password: string, personal: readonly string[]): PasswordStrength | null => {
  const [estimate, setEstimate] = useState<typeof import("./password-strength.ts")["passwordStrength"] | null>(null);
  const begun = password !== "";
  useEffect(() => {
    if (!begun) return;
    import("./password-strength.ts")
      .then(({ passwordStrength }) => setEstimate(() => passwordStrength))
      .catch(() => {});
  }, [begun]);
  return estimate && begun ? estimate(password, personal) : null;
};
