// A modal dialog: the browser's own, which keeps the focus inside, closes by Escape, and returns the focus to where it was.

import { type ReactNode, useId, useLayoutEffect, useRef } from "react";
import styles from "./dialog.module.css";

/** The props of `Dialog`. */
export interface DialogProps {
  readonly title: string;
  /** Called when it is closed without an answer. */
  readonly onCancel: () => void;
  readonly children: ReactNode;
}

/** A modal dialog. It is open while it is rendered. */
export const Dialog = ({ title, onCancel, children }: DialogProps) => {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useLayoutEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    // Close it before it is removed, or the focus is lost.
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
