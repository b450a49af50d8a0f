// Says that there is no network, for as long as that is so.

import { useSyncExternalStore } from "react";
import styles from "./offline-notice.module.css";

const subscribe = (listener: () => void) => {
  window.addEventListener("online", listener);
  window.addEventListener("offline", listener);
  return () => {
    window.removeEventListener("online", listener);
    window.removeEventListener("offline", listener);
  };
};

export const OfflineNotice = () => {
  const online = useSyncExternalStore(subscribe, () => navigator.onLine);
  return (
    <div role="status" className={styles.region}>
      {!online && <p className={styles.notice}>You are offline. What you see may be out of date.</p>}
    </div>
  );
};
