// Owns the classes of a card: the surface that content is on, its title, and its rows.

import styles from "./card.module.css";

/** The classes of a card, of its title, and of its rows. */
export const cardClasses = {
  card: styles["card"] ?? "",
  cardTitle: styles["cardTitle"] ?? "",
  fields: styles["fields"] ?? "",
};
