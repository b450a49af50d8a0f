// The icon of an app. It is the same for all of them: a logo would come from the app's server, which then learns who looks
// at this page, and could show the logo of another app.

import { Icon } from "../layout/icon.tsx";
import styles from "./client-icon.module.css";

/** The icon of an app, beside its name. */
export const ClientIcon = ({ small }: { small?: boolean }) => (
  <span className={styles.tile} data-small={small}>
    <Icon shape="M12 3l8 4.5v9L12 21l-8-4.5v-9zM12 12l8-4.5M12 12L4 7.5M12 12v9" size={small ? 20 : 28} />
  </span>
);
