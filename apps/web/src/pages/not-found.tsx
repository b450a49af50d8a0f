// What is shown at an address that has no page.

import { Link } from "wouter";
import { Page } from "../shell/page.tsx";
import styles from "./not-found.module.css";

export const NotFoundPage = () => (
  <Page title="There is no such page" lead="The link may be old, or mistyped." narrow>
    <p className={styles.center}>
      <Link href="/">Go to your account</Link>
    </p>
  </Page>
);
