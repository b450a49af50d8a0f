// The shell around every page: name, navigation, sign-out and footer.

import { brand } from "@app/contract";
import { useSession } from "@lockstep/client/react";
import type { ShellProps } from "@lockstep/pages";
import {
  type AnyFailure,
  ColorSchemeChoice,
  FailureNotice,
  Logo,
  Navigation,
  OfflineNotice,
  SignInNotice,
  SignOutButton,
} from "@lockstep/pages/parts";
import { useEffect, useState } from "react";
import { Link, useLocation } from "wouter";
import styles from "./shell.module.css";

export const Shell = ({ navigation, plain, children }: ShellProps) => {
  const signedIn = useSession().status === "signedIn";
  const [path] = useLocation();
  const [signOutFailure, setSignOutFailure] = useState<AnyFailure | null>(null);
  // Dismiss the notice when the user goes to another page.
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
              <Logo />
              {brand.name}
            </span>
          ) : (
            <Link href="/" className={styles.brand}>
              <Logo />
              {brand.name}
            </Link>
          )}
          {signedIn && !plain && (
            <Navigation items={navigation}>
              <SignOutButton onFailure={setSignOutFailure} />
            </Navigation>
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
