// Owns the beginning of every page: its title, and the focus after navigation.

import { type ReactNode, useEffect, useRef } from "react";
import { useBrand } from "../app/context.ts";
import { Logo } from "./logo.tsx";
import styles from "./page.module.css";

let firstPageShown = false;

/** The props of `Page`. */
export interface PageProps {
  readonly title: string;
  /** One sentence below the title. */
  readonly lead?: ReactNode;
  /** For a page with one purpose: in the middle, below the logo. */
  readonly narrow?: boolean;
  readonly children: ReactNode;
}

/** A page: title, lead and content. */
export const Page = ({ title, lead, narrow = false, children }: PageProps) => {
  const heading = useRef<HTMLHeadingElement>(null);
  const brand = useBrand();
  useEffect(() => {
    document.title = `${title} · ${brand.name}`;
    // Browsers announce the first page automatically, but not the later ones.
    if (firstPageShown) heading.current?.focus();
    firstPageShown = true;
  }, [title, brand]);
  return (
    <div className={styles.page} data-narrow={narrow || undefined}>
      {narrow && (
        <div className={styles.mark}>
          <Logo size={48} />
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
