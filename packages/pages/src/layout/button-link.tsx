// A link that looks like a button.

import { Button } from "@mantine/core";
import { Link } from "wouter";

/** The props of `ButtonLink`. */
export interface ButtonLinkProps {
  readonly href: string;
  /** For one of several links of a page. Default: its main action. */
  readonly quiet?: boolean;
  readonly children: string;
}

/** A link that looks like a button. */
export const ButtonLink = ({ href, quiet, children }: ButtonLinkProps) => (
  <Button component={Link} href={href} size="sm" {...(quiet && { variant: "default" })}>
    {children}
  </Button>
);
