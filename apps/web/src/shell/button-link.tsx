// A link that looks like a button, for the one thing that most people came to a page to do.

import { Button } from "@mantine/core";
import { Link } from "wouter";

export const ButtonLink = ({ href, children }: { href: string; children: string }) => (
  <Button component={Link} href={href} size="sm">
    {children}
  </Button>
);
