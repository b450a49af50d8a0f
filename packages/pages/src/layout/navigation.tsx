// The main navigation: a row of links, which narrow windows collapse behind a button.

import { Button } from "@mantine/core";
import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { Link, useLocation } from "wouter";
import type { NavigationItem } from "../app/context.ts";
import { layoutWords } from "../words/shared.ts";
import { useWords } from "../words/words.ts";
import styles from "./navigation.module.css";

/** The props of `Navigation`. */
export interface NavigationProps {
  readonly items: readonly NavigationItem[];
  /** What follows the links, such as the button to sign out. Narrow windows collapse it with them. */
  readonly children?: ReactNode;
}

/**
 * The links of the navigation, for a flex container that wraps. In narrow windows, a button shows and hides them.
 * @see https://www.w3.org/WAI/ARIA/apg/patterns/disclosure/
 */
export const Navigation = ({ items, children }: NavigationProps) => {
  const words = useWords("layout", layoutWords);
  const [path] = useLocation();
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const contentId = useId();
  useEffect(() => setOpen(false), [path]);
  const closeByEscape = ({ key }: KeyboardEvent) => {
    if (key !== "Escape" || !open) return;
    setOpen(false);
    button.current?.focus();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: listens to the keys of the button and the links inside
    <div className={styles.navigation} onKeyDown={closeByEscape}>
      <Button
        ref={button}
        variant="default"
        size="sm"
        className={styles.toggle ?? ""}
        aria-expanded={open}
        aria-controls={contentId}
        onClick={() => setOpen(!open)}
      >
        {words.menu}
      </Button>
      <div id={contentId} className={styles.content} data-open={open || undefined}>
        <nav aria-label={words.mainNavigation} className={styles.links}>
          {items.map((item) => (
            <Link
              key={item.path}
              href={item.path}
              className={styles.link ?? ""}
              aria-current={path === item.path || path.startsWith(`${item.path}/`) ? "page" : undefined}
              onClick={() => setOpen(false)}
            >
              {item.label}
            </Link>
          ))}
        </nav>
        {children}
      </div>
    </div>
  );
};
