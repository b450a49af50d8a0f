// The scopes that an app has or requests.

import styles from "./scope-list.module.css";

/** Which scopes a list shows. */
export interface ScopeListProps {
  readonly scopes: readonly { readonly name: string; readonly words: string }[];
  /** For scopes that were granted before. */
  readonly quiet?: boolean;
}

/** A list of scopes, in words. */
export const ScopeList = ({ scopes, quiet }: ScopeListProps) => (
  <ul className={styles.scopes} data-quiet={quiet}>
    {scopes.map(({ name, words }) => (
      <li key={name}>
        <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
          <path d="M3 8.5l3.25 3.25L13 5" fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round" />
        </svg>
        <span>{words}</span>
      </li>
    ))}
  </ul>
);
