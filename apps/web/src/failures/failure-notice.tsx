// Shows that a call failed, in words, with a way to try again where that can help.

import { Alert, Button } from "@mantine/core";
import { useEffect, useRef } from "react";
import { Countdown } from "./countdown.tsx";
import { type Failure, textOf } from "./failure.ts";
import styles from "./failure-notice.module.css";

export interface FailureNoticeProps {
  readonly failure: Failure;
  /** Makes the call again. Left out: the person does it where they did it first. */
  readonly onRetry?: () => void;
  readonly retrying?: boolean;
  /** Whether the focus comes here when the notice appears. */
  readonly takesFocus?: boolean;
}

export const FailureNotice = ({ failure, onRetry, retrying = false, takesFocus = false }: FailureNoticeProps) => {
  const notice = useRef<HTMLDivElement>(null);
  // When it appears, and then only.
  useEffect(() => {
    if (takesFocus) notice.current?.focus();
  }, []);
  const { title, text, passing, waitSeconds } = textOf(failure);
  return (
    <Alert ref={notice} tabIndex={-1} color="red" title={title} className={styles.notice ?? ""}>
      <p className={styles.text}>{text}</p>
      {waitSeconds !== undefined && <Countdown of={failure} seconds={waitSeconds} />}
      {passing && onRetry && (
        <Button
          variant="default"
          size="sm"
          className={styles.retry ?? ""}
          aria-disabled={retrying}
          onClick={() => !retrying && onRetry()}
        >
          {retrying ? "Trying…" : "Try again"}
        </Button>
      )}
    </Alert>
  );
};
