// Owns what every page begins with: its title, and where the focus goes when a person arrives.

import { brand } from "@app/contract";
import { type ReactNode, useEffect, useRef } from "react";
import { LogoMark } from "./logo.tsx";
import styles from "./page.module.css";

let firstPageShown = false;

export interface PageProps {
  readonly title: string;
  /** One sentence below the title. */
  readonly lead?: ReactNode;
  /** For a page of one thing: in the middle, under the mark. */
  readonly narrow?: boolean;
  readonly children: ReactNode;
}

export const Page = ({ title, lead, narrow = false, children }: PageProps) => {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · ${brand.name}`;
    // The browser announces the first page by itself; of later ones it knows nothing.
    if (firstPageShown) heading.current?.focus();
    firstPageShown = true;
  }, [title]);
  return (
    <div className={styles.page} data-narrow={narrow || undefined}>
      {narrow && (
        <div className={styles.mark}>
          <LogoMark size={48} />
        </div>
      )}
      <h1 ref={heading} tabIndex={-1} className={styles.title}>
        {title}
      </h1>
      {lead && <p className={styles.lead}>{lead}</p>}
      {children}
    </div>
  );
};
