// A question before an action that cannot be undone, and the result of the action.

import { Button } from "@mantine/core";
import type { AnyFailure } from "../failures/failure.ts";
import { FailureNotice } from "../failures/failure-notice.tsx";
import { layoutWords } from "../words/shared.ts";
import { useWords } from "../words/words.ts";
import styles from "./dialog.module.css";
import { Dialog, DialogActions } from "./dialog.tsx";

/** The props of `Question`. */
export interface QuestionProps {
  readonly title: string;
  readonly text: string;
  readonly confirmLabel: string;
  readonly busy: boolean;
  readonly failure: AnyFailure | null;
  /** A new value for each attempt, such as its time. */
  readonly failureKey: number;
  readonly onConfirm: () => void;
  readonly onCancel: () => void;
}

/** Asks before an action that cannot be undone. */
export const Question = ({
  title,
  text,
  confirmLabel,
  busy,
  failure,
  failureKey,
  onConfirm,
  onCancel,
}: QuestionProps) => {
  const { cancel } = useWords("layout", layoutWords);
  return (
    <Dialog title={title} onCancel={() => !busy && onCancel()}>
      <p>{text}</p>
      {failure && (
        <div className={styles.failure}>
          <FailureNotice key={failureKey} failure={failure} takesFocus />
        </div>
      )}
      <DialogActions>
        <Button variant="default" onClick={() => !busy && onCancel()}>
          {cancel}
        </Button>
        <Button color="red" aria-disabled={busy} onClick={() => !busy && onConfirm()}>
          {confirmLabel}
        </Button>
      </DialogActions>
    </Dialog>
  );
};
