// The content of the notice of a sign-in elsewhere.

import type { SessionView } from "@lockstep/kit";
import { Alert, Button } from "@mantine/core";
import { Link, useLocation } from "wouter";
import { paths } from "../paths.ts";
import { useDevices } from "../words/devices.ts";
import { Ago } from "../words/moments.tsx";
import { useWords } from "../words/words.ts";
import styles from "./sign-in-notice.module.css";
import { signInNoticeWords } from "./sign-in-notice-words.ts";

export interface SignInNoticeTextProps {
  readonly signIn: SessionView;
  readonly onDismiss: () => void;
}

export const SignInNoticeText = ({ signIn, onDismiss }: SignInNoticeTextProps) => {
  const words = useWords("signInNotice", signInNoticeWords);
  const deviceOf = useDevices();
  const [path] = useLocation();
  return (
    <Alert color="yellow" title={words.title}>
      <p className={styles.text}>
        {words.from(deviceOf(signIn.userAgent).name, signIn.address)}, <Ago at={signIn.createdAt} />. {words.advice}
      </p>
      <div className={styles.actions}>
        {path !== paths.sessions && <Link href={paths.sessions}>{words.seeSessions}</Link>}
        <Button variant="default" size="xs" onClick={onDismiss}>
          {words.itWasMe}
        </Button>
      </div>
    </Alert>
  );
};
