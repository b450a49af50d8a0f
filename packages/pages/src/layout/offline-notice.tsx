// Shows that the browser is offline, while it is.

import { useSyncExternalStore } from "react";
import { layoutWords } from "../words/shared.ts";
import { useWords } from "../words/words.ts";
import styles from "./offline-notice.module.css";

const subscribe = (listener: () => void) => {
  window.addEventListener("online", listener);
  window.addEventListener("offline", listener);
  return () => {
    window.removeEventListener("online", listener);
    window.removeEventListener("offline", listener);
  };
};

/** Shows that the browser is offline. For the top of the shell's content. */
export const OfflineNotice = () => {
  const { offline } = useWords("layout", layoutWords);
  const online = useSyncExternalStore(subscribe, () => navigator.onLine);
  return (
    <div role="status" className={styles.region}>
      {!online && <p className={styles.notice}>{offline}</p>}
    </div>
  );
};
