// Says when something may be tried again, by the clock: what was asleep meanwhile counts as waited.

import { useEffect, useMemo, useState } from "react";
import styles from "./failure-notice.module.css";

export interface CountdownProps {
  /** What brought the wait about: another one begins another wait. */
  readonly of: object;
  readonly seconds: number;
}

export const Countdown = ({ of, seconds }: CountdownProps) => {
  const until = useMemo(() => Date.now() + seconds * 1000, [of, seconds]);
  const [, tick] = useState(0);
  const left = Math.max(0, Math.ceil((until - Date.now()) / 1000));
  const over = left === 0;
  useEffect(() => {
    if (over) return;
    const timer = setInterval(() => tick((count) => count + 1), 1000);
    return () => clearInterval(timer);
  }, [over]);
  return (
    // Read out when it appears and when it is over, but not each second.
    <p role={over ? undefined : "timer"} className={styles.text}>
      {over ? "You can try again now." : `You can try again ${inWords(left)}.`}
    </p>
  );
};

/** Rounded up: whoever comes back then has waited long enough. */
const inWords = (seconds: number): string => {
  if (seconds > 90) return `in ${Math.ceil(seconds / 60)} minutes`;
  return seconds === 1 ? "in 1 second" : `in ${seconds} seconds`;
};
