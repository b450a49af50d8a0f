// The place of a card whose data is being loaded.

import { Skeleton } from "@mantine/core";
import styles from "./loading-card.module.css";

/** The place of a card that is about `height` tall, so that what is below it does not move. */
export const LoadingCard = ({ height }: { height: string }) => (
  <div aria-busy className={styles.place}>
    <Skeleton height={height} radius="var(--card-radius)" />
  </div>
);
