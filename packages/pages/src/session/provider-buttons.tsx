// Links to the identity providers that users can sign in with.

import { Button } from "@mantine/core";
import { sessionWords } from "../words/shared.ts";
import { useWords } from "../words/words.ts";
import styles from "./provider-buttons.module.css";
import { useProviders } from "./sign-in-methods.ts";

/** The props of `ProviderButtons`. */
export interface ProviderButtonsProps {
  /** The path to continue at after the sign-in. */
  readonly returnTo: string;
}

/**
 * Buttons for signing in with identity providers, below a divider. They are links: the server redirects the browser to
 * the provider.
 */
export const ProviderButtons = ({ returnTo }: ProviderButtonsProps) => {
  const { continueWith, or } = useWords("session", sessionWords);
  const providers = useProviders();
  if (providers.length === 0) return null;
  return (
    <div className={styles.ways}>
      <p className={styles.divider}>{or}</p>
      {providers.map(({ name, label }) => (
        <Button
          key={name}
          component="a"
          href={`/login/${name}?${new URLSearchParams({ returnTo })}`}
          variant="default"
          fullWidth
        >
          {continueWith(label)}
        </Button>
      ))}
    </div>
  );
};
