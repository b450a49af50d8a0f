// A line drawing beside a text that says the same.

import styles from "./icon.module.css";

/** The props of `Icon`. */
export interface IconProps {
  /** The path of the drawing, in a square of 24. */
  readonly shape: string;
  /** In pixels. Default: 24. */
  readonly size?: number;
}

/** A drawing in the colour of the text. Screen readers skip it. */
export const Icon = ({ shape, size = 24 }: IconProps) => (
  <svg viewBox="0 0 24 24" width={size} height={size} className={styles.icon} aria-hidden="true" focusable="false">
    <path d={shape} fill="none" stroke="currentColor" strokeWidth="1.75" strokeLinecap="round" strokeLinejoin="round" />
  </svg>
);
