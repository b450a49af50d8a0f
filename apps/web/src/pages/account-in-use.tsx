// Which account an app would get access to, and the way to another one.

import type { User } from "@lockstep/kit";
import { Button } from "@mantine/core";
import { Avatar } from "./avatar.tsx";
import styles from "./interaction.module.css";

export interface AccountInUseProps {
  readonly user: User;
  readonly signingOut: boolean;
  /** Signs out, so that somebody else can sign in. */
  readonly onOther: () => void;
}

export const AccountInUse = ({ user, signingOut, onOther }: AccountInUseProps) => (
  <section className={styles.account} aria-label="Signed in as">
    <Avatar fullName={user.fullName} small />
    <div>
      <p className={styles.fullName}>{user.fullName}</p>
      <p className={styles.username}>@{user.username}</p>
    </div>
    <Button variant="default" size="compact-sm" aria-disabled={signingOut} onClick={() => !signingOut && onOther()}>
      {signingOut ? "Signing out…" : "Use another account"}
    </Button>
  </section>
);
