// A question that must be answered before anything else: the browser's own dialog, which keeps the focus
// inside, closes by Escape, and returns the focus to where it was.

import { type ReactNode, useId, useLayoutEffect, useRef } from "react";
import styles from "./dialog.module.css";

export interface DialogProps {
  readonly title: string;
  /** It was closed without an answer. */
  readonly onCancel: () => void;
  readonly children: ReactNode;
}

/** Open while it is rendered. */
export const Dialog = ({ title, onCancel, children }: DialogProps) => {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useLayoutEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    // Closed before it leaves the page, or the focus would be lost.
    return () => shown?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      className={styles.dialog}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault();
        onCancel();
      }}
    >
      <h2 id={titleId} className={styles.title}>
        {title}
      </h2>
      {children}
    </dialog>
  );
};

/** The buttons at the end of a dialog. */
export const DialogActions = ({ children }: { children: ReactNode }) => (
  <div className={styles.actions}>{children}</div>
);
