// Owns the beginning of every page: its title, and the focus after navigation.

import { type ReactNode, useEffect, useRef } from "react";
import { Link } from "wouter";
import { type NavigationItem, useBrand } from "../app/context.ts";
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
  /** What is beside the logo of a narrow page, such as a `ClientIcon`. */
  readonly icon?: ReactNode;
  /** The page above this one. */
  readonly back?: NavigationItem;
  readonly children: ReactNode;
}

/** A page: title, lead and content. */
export const Page = ({ title, lead, narrow = false, icon, back, children }: PageProps) => {
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
          {icon && (
            <>
              {icon}
              <span className={styles.between} />
            </>
          )}
          <Logo size={48} />
        </div>
      )}
      {back && (
        <p className={styles.back}>
          <Link href={back.path}>{back.label}</Link>
        </p>
      )}
      <h1 ref={heading} tabIndex={-1} className={styles.title}>
        {title}
      </h1>
      {lead && <p className={styles.lead}>{lead}</p>}
      {children}
    </div>
  );
};
