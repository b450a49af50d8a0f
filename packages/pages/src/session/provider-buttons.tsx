// Links to the identity providers that people can sign in with here.

import { Button } from "@mantine/core";
import { sessionWords } from "../words/shared.ts";
import { useWords } from "../words/words.ts";
import { useProviders } from "./use-providers.ts";

/** Where a sign-in through an identity provider leads. */
export interface ProviderButtonsProps {
  /** Path that the person continues to once they are signed in. */
  readonly returnTo: string;
}

/** Links, because they leave the app: the server sends the browser on. */
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
