// Ways to sign in other than with a password: the outside providers that this server has.

import { Button } from "@mantine/core";
import { useProviders } from "./use-providers.ts";

export interface ProviderButtonsProps {
  /** Where the person goes on, once they are signed in. */
  readonly returnTo: string;
}

/** Links, for they leave the app: the server sends the browser on. */
export const ProviderButtons = ({ returnTo }: ProviderButtonsProps) =>
  useProviders().map(({ name, label }) => (
    <Button
      key={name}
      component="a"
      href={`/login/${name}?${new URLSearchParams({ returnTo })}`}
      variant="default"
      fullWidth
      mt="sm"
    >
      Continue with {label}
    </Button>
  ));
