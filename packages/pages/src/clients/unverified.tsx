// Marks an app that no operator has verified.

import { Alert } from "@mantine/core";
import { clientWords } from "../words/shared.ts";
import { useWords } from "../words/words.ts";
import styles from "./unverified.module.css";

/** Where an app that nobody has verified sends people. */
export interface UnverifiedNoticeProps {
  /** The host that the person is sent back to. */
  readonly returnsTo?: string | null;
}

/** Before a decision about the app. */
export const UnverifiedNotice = ({ returnsTo = null }: UnverifiedNoticeProps) => {
  const { notVerified, warning, warningBeforeHost } = useWords("clients", clientWords);
  return (
    <Alert color="yellow" role="note" title={notVerified}>
      {returnsTo === null ? (
        warning
      ) : (
        <>
          {warningBeforeHost} <strong className={styles.host}>{returnsTo}</strong>.
        </>
      )}
    </Alert>
  );
};

/** Beside the app's name in a list. */
export const UnverifiedMark = () => <span className={styles.mark}>{useWords("clients", clientWords).notVerified}</span>;
