// The scopes that an app has or requests.

import { Icon } from "../layout/icon.tsx";
import styles from "./scope-list.module.css";

/** Which scopes a list shows. */
export interface ScopeListProps {
  readonly scopes: readonly { readonly name: string; readonly words: string }[];
  /** For scopes that were granted before. */
  readonly quiet?: boolean;
}

/** A list of scopes, in words. */
export const ScopeList = ({ scopes, quiet = false }: ScopeListProps) => (
  <ul className={styles.scopes} data-quiet={quiet || undefined}>
    {scopes.map(({ name, words }) => (
      <li key={name}>
        <Icon shape={shapeOf(name)} size={quiet ? 16 : 20} />
        <span>{words}</span>
      </li>
    ))}
  </ul>
);

/** By what the end of the name says, as in `notes:read`. */
const shapes = {
  read: "M2 12s3.5-6.5 10-6.5S22 12 22 12s-3.5 6.5-10 6.5S2 12 2 12zM12 9.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5z",
  write: "M4 20l1-4.5L16 4.5l3.5 3.5L8.5 19zM13.5 7l3.5 3.5",
  other: "M4 12.5l5.5 5.5L20 7",
};

const shapeOf = (name: string): string => {
  if (name.endsWith(":read")) return shapes.read;
  return name.endsWith(":write") ? shapes.write : shapes.other;
};
