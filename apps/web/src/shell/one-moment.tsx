// Says that something is on its way, to those who wait long enough to read it.

import styles from "./one-moment.module.css";

export const OneMoment = () => (
  <p role="status" className={styles.waiting}>
    One moment…
  </p>
);
