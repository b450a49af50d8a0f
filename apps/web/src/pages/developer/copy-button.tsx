// Puts a text into the clipboard, and says so.

import { Button } from "@mantine/core";
import { useState } from "react";
import styles from "./developer.module.css";

/** `label` names what is copied. */
export const CopyButton = ({ text, label }: { text: string; label: string }) => {
  const [outcome, setOutcome] = useState("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setOutcome("Copied");
    } catch {
      // Not allowed here, or not over plain http: the text stands beside it.
      setOutcome("Select and copy it yourself");
    }
  };
  return (
    <span className={styles.copy}>
      <span role="status" className={styles.outcome}>
        {outcome}
      </span>
      <Button variant="default" size="xs" aria-label={`Copy the ${label}`} onClick={() => void copy()}>
        Copy
      </Button>
    </span>
  );
};
