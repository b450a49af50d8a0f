// Choices in a form: a group of them, and each one with its checkbox or radio button.

import type { ReactNode } from "react";
import styles from "./choices.module.css";

/** The props of `Choices`. */
export interface ChoicesProps {
  readonly legend: string;
  readonly children: ReactNode;
}

/** A group of choices. */
export const Choices = ({ legend, children }: ChoicesProps) => (
  <fieldset className={styles.choices}>
    <legend className={styles.legend}>{legend}</legend>
    {children}
  </fieldset>
);

/** The props of `Choice`. */
export interface ChoiceProps {
  /** The name of the group of radio buttons. Default: a checkbox, which is a choice of its own. */
  readonly radio?: string;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
  readonly children: ReactNode;
}

/** A choice with its label. */
export const Choice = ({ radio, checked, onChange, children }: ChoiceProps) => (
  <label className={styles.choice}>
    <input
      type={radio === undefined ? "checkbox" : "radio"}
      name={radio}
      checked={checked}
      onChange={({ currentTarget }) => onChange(currentTarget.checked)}
    />
    <span>{children}</span>
  </label>
);
