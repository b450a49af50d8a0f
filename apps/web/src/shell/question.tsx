// A question before something that cannot be undone, and what became of it.

import { Button } from "@mantine/core";
import type { Failure } from "../failures/failure.ts";
import { FailureNotice } from "../failures/failure-notice.tsx";
import styles from "./dialog.module.css";
import { Dialog, DialogActions } from "./dialog.tsx";

export interface QuestionProps {
  readonly title: string;
  readonly text: string;
  readonly confirmLabel: string;
  readonly busy: boolean;
  readonly failure: Failure | null;
  /** Another attempt is another failure. */
  readonly failureKey: number;
  readonly onConfirm: () => void;
  readonly onCancel: () => void;
}

export const Question = ({
  title,
  text,
  confirmLabel,
  busy,
  failure,
  failureKey,
  onConfirm,
  onCancel,
}: QuestionProps) => (
  <Dialog title={title} onCancel={() => !busy && onCancel()}>
    <p>{text}</p>
    {failure && (
      <div className={styles.failure}>
        <FailureNotice key={failureKey} failure={failure} takesFocus />
      </div>
    )}
    <DialogActions>
      <Button variant="default" onClick={() => !busy && onCancel()}>
        Cancel
      </Button>
      <Button aria-disabled={busy} onClick={() => !busy && onConfirm()}>
        {confirmLabel}
      </Button>
    </DialogActions>
  </Dialog>
);
