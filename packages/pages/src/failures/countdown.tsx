// Shows when an action can be tried again. It follows the clock, so time during which the device slept counts.

import { useEffect, useMemo, useState } from "react";
import { failureWords } from "../words/shared.ts";
import { useWords } from "../words/words.ts";
import styles from "./failure-notice.module.css";

/** The seconds until a moment, which is in epoch milliseconds; 0 from then on. */
export const useSecondsLeft = (until: number): number => {
  const [, tick] = useState(0);
  const left = Math.max(0, Math.ceil((until - Date.now()) / 1000));
  const over = left === 0;
  useEffect(() => {
    if (over) return;
    const timer = setInterval(() => tick((count) => count + 1), 1000);
    return () => clearInterval(timer);
  }, [over]);
  return left;
};

export interface CountdownProps {
  /** The failure. A new failure starts a new wait. */
  readonly of: object;
  readonly seconds: number;
}

export const Countdown = ({ of, seconds }: CountdownProps) => {
  const words = useWords("failures", failureWords);
  const left = useSecondsLeft(useMemo(() => Date.now() + seconds * 1000, [of, seconds]));
  const over = left === 0;
  return (
    // Announced when it appears and when it is over, but not each second.
    <p role={over ? undefined : "timer"} className={styles.text}>
      {over ? words.canTryAgain : words.wait(left)}
    </p>
  );
};
