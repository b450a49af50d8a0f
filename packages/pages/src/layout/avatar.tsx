// A person's initials, in place of a picture.

import styles from "./avatar.module.css";

/** A person's initials in a circle. */
export const Avatar = ({ fullName, small = false }: { fullName: string; small?: boolean }) => (
  <span className={styles.avatar} data-small={small || undefined} aria-hidden="true">
    {initialsOf(fullName)}
  </span>
);

const initialsOf = (fullName: string): string => {
  const words = fullName.split(/\s+/).filter(Boolean);
  const [first = "", last = ""] = [words.at(0), words.length > 1 ? words.at(-1) : ""];
  return [first, last]
    .map((word) => [...word][0] ?? "")
    .join("")
    .toUpperCase();
};
