// A word or two about the thing beside it, such as "Not verified".

import styles from "./mark.module.css";

/** The props of `Mark`. */
export interface MarkProps {
  /** For what asks for caution. */
  readonly caution?: boolean;
  readonly children: string;
}

/** Marks the thing beside it. */
export const Mark = ({ caution, children }: MarkProps) => (
  <span className={styles.mark} data-caution={caution}>
    {children}
  </span>
);
