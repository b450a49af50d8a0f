// Marks an app that no operator has verified.

import { Alert } from "@mantine/core";
import { Mark } from "../layout/mark.tsx";
import { clientWords } from "../words/shared.ts";
import { useWords } from "../words/words.ts";
import styles from "./unverified.module.css";

/** The props of `UnverifiedNotice`. */
export interface UnverifiedNoticeProps {
  /** The host that the user is sent back to. */
  readonly returnsTo?: string | null;
}

/** Warns that an app is unverified, before the user decides about it. */
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

/** Marks an unverified app in a list. */
export const UnverifiedMark = () => <Mark caution>{useWords("clients", clientWords).notVerified}</Mark>;
