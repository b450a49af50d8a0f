// Marks an app that nobody vouches for.

import { Alert } from "@mantine/core";
import styles from "./unverified.module.css";

/** Before somebody decides about it: what that means. */
export const UnverifiedNotice = ({ returnsTo = null }: { returnsTo?: string | null }) => (
  <Alert color="yellow" role="note" title="Not verified">
    Nobody at this service has checked who runs this app: it may not be what its name says. Go on only if you know it
    and came from it just now
    {returnsTo === null ? "." : <>, and if you trust {<strong className={styles.host}>{returnsTo}</strong>}.</>}
  </Alert>
);

/** Beside its name in a list. */
export const UnverifiedMark = () => <span className={styles.mark}>Not verified</span>;
