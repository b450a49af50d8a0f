// Says that something is being fetched, after half a second.

import { layoutWords } from "../words/shared.ts";
import { useWords } from "../words/words.ts";
import styles from "./one-moment.module.css";

/** Tells that something is loading. */
export const OneMoment = () => (
  <p role="status" className={styles.waiting}>
    {useWords("layout", layoutWords).oneMoment}
  </p>
);
