// A link that looks like a button, for the main action of a page.

import { Button } from "@mantine/core";
import { Link } from "wouter";

/** A link that looks like a button. */
export const ButtonLink = ({ href, children }: { href: string; children: string }) => (
  <Button component={Link} href={href} size="sm">
    {children}
  </Button>
);
