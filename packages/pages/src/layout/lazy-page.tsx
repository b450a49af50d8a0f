// Owns pages that are loaded when they are first opened.

import { Button } from "@mantine/core";
import { type ComponentType, lazy } from "react";
import { layoutWords } from "../words/shared.ts";
import { useWords } from "../words/words.ts";
import { Page } from "./page.tsx";

/** A page that is loaded with `load`. If loading fails, an error page is shown. Needs a `Suspense` around it. */
export const lazyPage = <Props extends object>(load: () => Promise<ComponentType<Props>>) =>
  lazy(async (): Promise<{ default: ComponentType<Props> }> => ({ default: await load().catch(() => NotLoaded) }));

/**
 * A part of a page that is loaded with `load`. If loading fails, the page is shown without it. Needs a `Suspense`
 * around it.
 */
export const lazyPart = <Props extends object>(load: () => Promise<ComponentType<Props>>) =>
  lazy(async (): Promise<{ default: ComponentType<Props> }> => ({ default: await load().catch(() => Nothing) }));

const Nothing = () => null;

const NotLoaded = () => {
  const { title, lead, reload } = useWords("layout", layoutWords).notLoaded;
  return (
    <Page title={title} lead={lead} narrow>
      <Button onClick={() => location.reload()}>{reload}</Button>
    </Page>
  );
};
