// A centred link below a page of the authorization server. It loads its page from the server.

import styles from "./page-link.module.css";

/** A centred link that loads its page from the server. */
export const PageLink = ({ to, children }: { to: string; children: string }) => (
  <p className={styles.center}>
    <a href={to}>{children}</a>
  </p>
);
