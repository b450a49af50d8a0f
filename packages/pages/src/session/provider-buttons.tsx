// Links to the identity providers that users can sign in with.

import { Button } from "@mantine/core";
import { sessionWords } from "../words/shared.ts";
import { useWords } from "../words/words.ts";
import { useProviders } from "./use-providers.ts";

/** The props of `ProviderButtons`. */
export interface ProviderButtonsProps {
  /** The path to continue at after the sign-in. */
  readonly returnTo: string;
}

/** Buttons for signing in with identity providers. They are links: the server redirects the browser to the provider. */
export const ProviderButtons = ({ returnTo }: ProviderButtonsProps) => {
  const { continueWith } = useWords("session", sessionWords);
  return useProviders().map(({ name, label }) => (
    <Button
      key={name}
      component="a"
      href={`/login/${name}?${new URLSearchParams({ returnTo })}`}
      variant="default"
      fullWidth
      mt="sm"
    >
      {continueWith(label)}
    </Button>
  ));
};
