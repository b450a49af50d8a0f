// Shows that something is loading, after half a second.

import { layoutWords } from "../words/shared.ts";
import { useWords } from "../words/words.ts";
import styles from "./one-moment.module.css";

/** Shows that something is loading. */
export const OneMoment = () => (
  <p role="status" className={styles.waiting}>
    {useWords("layout", layoutWords).oneMoment}
  </p>
);
