// Copies a text to the clipboard, and says so.

import { Button } from "@mantine/core";
import { useState } from "react";
import { useWords } from "../../parts.ts";
import styles from "./developer.module.css";
import { developerWords } from "./words.ts";

/** `label` names the copied text. */
export const CopyButton = ({ text, label }: { text: string; label: string }) => {
  const words = useWords("developer", developerWords).copy;
  const [outcome, setOutcome] = useState("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setOutcome(words.copied);
    } catch {
      // The clipboard is not available, for example over plain http. The text is beside the button.
      setOutcome(words.failed);
    }
  };
  return (
    <span className={styles.copy}>
      <span role="status" className={styles.outcome}>
        {outcome}
      </span>
      <Button variant="default" size="xs" aria-label={words.label(label)} onClick={() => void copy()}>
        {words.button}
      </Button>
    </span>
  );
};
