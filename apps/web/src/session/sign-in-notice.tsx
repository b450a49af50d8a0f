// Says on every page that somebody signed in to the account elsewhere, until it is read.

import { Alert, Button } from "@mantine/core";
import { Link, useLocation } from "wouter";
import { deviceOf } from "../words/device.ts";
import { Ago } from "../words/moment.tsx";
import { news, useNews } from "./news.ts";
import styles from "./sign-in-notice.module.css";

export const SignInNotice = () => {
  const { signIn } = useNews();
  const [path] = useLocation();
  return (
    <div role="status" className={styles.region}>
      {signIn && (
        <Alert color="yellow" title="Somebody signed in to your account">
          <p className={styles.text}>
            {deviceOf(signIn.userAgent).name}
            {signIn.address && `, from ${signIn.address}`}, <Ago at={signIn.createdAt} />. If it was not you, end that
            session and change your password.
          </p>
          <div className={styles.actions}>
            {path !== "/sessions" && <Link href="/sessions">See your sessions</Link>}
            <Button variant="default" size="xs" onClick={() => news.tell({ signIn: null })}>
              It was me
            </Button>
          </div>
        </Alert>
      )}
    </div>
  );
};
