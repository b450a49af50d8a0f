// Shows that a call failed, with a button to try again where that can help.

import { Alert, Button } from "@mantine/core";
import { useEffect, useRef } from "react";
import { failureWords } from "../words/shared.ts";
import { useWords } from "../words/words.ts";
import { Countdown } from "./countdown.tsx";
import { type AnyFailure, useFailureText } from "./failure.ts";
import styles from "./failure-notice.module.css";

/** The props of `FailureNotice`. */
export interface FailureNoticeProps {
  readonly failure: AnyFailure;
  /** Repeats the call. Without it, users repeat their action themselves. */
  readonly onRetry?: () => void;
  readonly retrying?: boolean;
  /** Whether the notice is focused when it appears. */
  readonly takesFocus?: boolean;
}

/** Shows that a call failed, and why. */
export const FailureNotice = ({ failure, onRetry, retrying = false, takesFocus = false }: FailureNoticeProps) => {
  const notice = useRef<HTMLDivElement>(null);
  const words = useWords("failures", failureWords);
  const { title, text, passing, waitSeconds } = useFailureText(failure);
  useEffect(() => {
    if (takesFocus) notice.current?.focus();
  }, []); // when it appears, and only then
  return (
    <Alert ref={notice} tabIndex={-1} color="red" title={title} className={styles.notice ?? ""}>
      <p className={styles.text}>{text}</p>
      {waitSeconds !== null && <Countdown of={failure} seconds={waitSeconds} />}
      {passing && onRetry && (
        <Button
          variant="default"
          size="sm"
          className={styles.retry ?? ""}
          aria-disabled={retrying}
          onClick={() => !retrying && onRetry()}
        >
          {retrying ? words.trying : words.tryAgain}
        </Button>
      )}
    </Alert>
  );
};
