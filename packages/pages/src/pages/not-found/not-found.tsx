// The page at an address that has no page.

import { Link } from "wouter";
import { Page, paths, useWords } from "../../parts.ts";
import styles from "./not-found.module.css";
import { notFoundWords } from "./words.ts";

export const NotFoundPage = () => {
  const { title, lead, home } = useWords("notFound", notFoundWords);
  return (
    <Page title={title} lead={lead} narrow>
      <p className={styles.center}>
        <Link href={paths.account}>{home}</Link>
      </p>
    </Page>
  );
};
