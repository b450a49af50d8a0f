// The text while the browser solves a challenge.

import { useIsMutating } from "@tanstack/react-query";
import { challengeKey } from "../app/challenge-key.ts";
import { useWords } from "../words/words.ts";
import styles from "./challenge-text.module.css";
import { challengeWords } from "./challenge-words.ts";

export const ChallengeText = () => {
  const { solving } = useWords("challenge", challengeWords);
  const running = useIsMutating({ mutationKey: challengeKey });
  // Always in the page, so that screen readers announce the text.
  return (
    <p role="status" className={styles.status}>
      {running > 0 && solving}
    </p>
  );
};
