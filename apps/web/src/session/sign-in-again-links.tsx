// Ways for somebody without a password to prove that it is still them: identity providers that make people sign in again.
// Some cannot, Google and GitHub among them. A trip to those would lead back to the same question (RFC 9470).

import type { Identity } from "@lockstep/kit";
import { Button } from "@mantine/core";
import styles from "./reauthentication.module.css";

export interface SignInAgainLinksProps {
  /** Those that are linked to the account. */
  readonly identities: readonly Identity[];
  /** Where the person is returned to. */
  readonly returnTo: string;
}

export const SignInAgainLinks = ({ identities, returnTo }: SignInAgainLinksProps) => {
  const linked = [...new Map(identities.map(({ provider }) => [provider.name, provider])).values()];
  const usable = linked.filter(({ canReauthenticate }) => canReauthenticate);
  if (usable.length === 0) {
    return (
      <p className={styles.text}>
        {linked.length > 0 && `${labels.format(linked.map(({ label }) => label))} cannot make you sign in again. `}
        You need a password for this: ask whoever runs this service to set one for you, and sign in with it.
      </p>
    );
  }
  return (
    <>
      <p className={styles.text}>
        {usable.length === 1 ? usable[0]?.label : "One of these"} will ask you to sign in, and bring you back to this
        page.
      </p>
      {usable.map(({ name, label }) => (
        <Button
          key={name}
          component="a"
          href={`/login/${name}?${new URLSearchParams({ fresh: "1", returnTo })}`}
          variant="default"
          fullWidth
        >
          Continue with {label}
        </Button>
      ))}
    </>
  );
};

const labels = new Intl.ListFormat("en", { type: "conjunction" });
