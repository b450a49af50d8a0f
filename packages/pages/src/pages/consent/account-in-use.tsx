// Which account an app would get access to, and the way to use another one.

import type { User } from "@lockstep/kit";
import { Button } from "@mantine/core";
import { Avatar, useWords } from "../../parts.ts";
import styles from "./consent.module.css";
import { consentWords } from "./words.tsx";

export interface AccountInUseProps {
  readonly user: User;
  readonly signingOut: boolean;
  /** Signs out, so that another user can sign in. */
  readonly onOther: () => void;
}

export const AccountInUse = ({ user, signingOut, onOther }: AccountInUseProps) => {
  const words = useWords("consent", consentWords);
  return (
    <section className={styles.account} aria-label={words.signedInAs}>
      <div className={styles.person}>
        <Avatar fullName={user.fullName} small />
        <div>
          <p className={styles.fullName}>{user.fullName}</p>
          <p className={styles.username}>@{user.username}</p>
        </div>
      </div>
      <Button variant="default" size="compact-sm" aria-disabled={signingOut} onClick={() => !signingOut && onOther()}>
        {signingOut ? words.signingOut : words.otherAccount}
      </Button>
    </section>
  );
};
