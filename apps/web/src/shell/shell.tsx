// Owns what is around every page: the name, the navigation, signing out, and the footer.

import { brand } from "@app/contract";
import { type ReactNode, useEffect, useState } from "react";
import { Link, useLocation } from "wouter";
import type { Failure } from "../failures/failure.ts";
import { FailureNotice } from "../failures/failure-notice.tsx";
import { pages, rootOf } from "../pages/pages.ts";
import { useLiveSessions } from "../session/live-sessions.ts";
import { SignInNotice } from "../session/sign-in-notice.tsx";
import { SignOutButton } from "../session/sign-out-button.tsx";
import { useSession } from "../session/use-session.ts";
import { ColorSchemeChoice } from "./color-scheme-choice.tsx";
import { LogoMark } from "./logo.tsx";
import { OfflineNotice } from "./offline-notice.tsx";
import styles from "./shell.module.css";

export interface ShellProps {
  /** For a page that asks one thing on somebody else's behalf: nothing around it leads away. */
  readonly plain?: boolean;
  readonly children: ReactNode;
}

export const Shell = ({ plain = false, children }: ShellProps) => {
  const signedIn = useSession().status === "signed-in";
  useLiveSessions();
  const [path] = useLocation();
  const [signOutFailure, setSignOutFailure] = useState<Failure | null>(null);
  // Whoever goes on to another page has read it.
  useEffect(() => setSignOutFailure(null), [path]);
  return (
    <div className={styles.shell}>
      <a className={styles.skip} href="#content">
        Skip to the content
      </a>
      <header className={styles.header}>
        <div className={styles.bar}>
          {plain ? (
            <span className={styles.brand}>
              <LogoMark />
              {brand.name}
            </span>
          ) : (
            <Link href="/" className={styles.brand}>
              <LogoMark />
              {brand.name}
            </Link>
          )}
          {signedIn && !plain && (
            <>
              <Navigation />
              <div className={styles.actions}>
                <SignOutButton onFailure={setSignOutFailure} />
              </div>
            </>
          )}
        </div>
      </header>
      <OfflineNotice />
      <main id="content" tabIndex={-1} className={styles.main}>
        {signedIn && signOutFailure && (
          <div className={styles.notice}>
            <p className={styles.noticeLead}>You are still signed in.</p>
            <FailureNotice failure={signOutFailure} />
          </div>
        )}
        {signedIn && !plain && <SignInNotice />}
        {children}
      </main>
      <footer className={styles.footer}>
        <ColorSchemeChoice />
      </footer>
    </div>
  );
};

const Navigation = () => {
  const [path] = useLocation();
  return (
    <nav aria-label="Main" className={styles.nav}>
      {pages.map(
        (page) =>
          page.navLabel && (
            <Link
              key={page.path}
              href={rootOf(page)}
              className={styles.navLink ?? ""}
              aria-current={path === rootOf(page) || path.startsWith(`${rootOf(page)}/`) ? "page" : undefined}
            >
              {page.navLabel}
            </Link>
          ),
      )}
    </nav>
  );
};
