// Reauthentication for users without a password: links to identity providers that can ask users to sign in again. Some
// cannot, such as Google and GitHub, and would lead back to the same question (RFC 9470).

import type { Identity } from "@lockstep/kit";
import { Button } from "@mantine/core";
import { useLanguage } from "../words/language.ts";
import { sessionWords } from "../words/shared.ts";
import { useWords } from "../words/words.ts";
import styles from "./reauthentication.module.css";
import { reauthenticationWords } from "./reauthentication-words.ts";

/** The props of `SignInAgainLinks`. */
export interface SignInAgainLinksProps {
  /** Those that are linked to the account. */
  readonly identities: readonly Identity[];
  /** The path to return to. */
  readonly returnTo: string;
}

/** Links to the identity providers that can ask users to sign in again. */
export const SignInAgainLinks = ({ identities, returnTo }: SignInAgainLinksProps) => {
  const { continueWith } = useWords("session", sessionWords);
  const words = useWords("reauthentication", reauthenticationWords);
  const list = new Intl.ListFormat(useLanguage(), { type: "conjunction" });
  const linked = [...new Map(identities.map(({ provider }) => [provider.name, provider])).values()];
  const [first, ...others] = linked.filter(({ canReauthenticate }) => canReauthenticate);
  if (!first) {
    return (
      <p className={styles.text}>
        {linked.length > 0 && words.cannot(list.format(linked.map(({ label }) => label)))}
        {words.needsPassword}
      </p>
    );
  }
  return (
    <>
      <p className={styles.text}>{others.length === 0 ? words.one(first.label) : words.oneOfThese}</p>
      {[first, ...others].map(({ name, label }) => (
        <Button
          key={name}
          component="a"
          href={`/login/${name}?${new URLSearchParams({ fresh: "1", returnTo })}`}
          variant="default"
          fullWidth
        >
          {continueWith(label)}
        </Button>
      ))}
    </>
  );
};
