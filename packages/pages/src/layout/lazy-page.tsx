// Owns pages that are fetched when somebody first opens them.

import { Button } from "@mantine/core";
import { type ComponentType, lazy } from "react";
import { layoutWords } from "../words/shared.ts";
import { useWords } from "../words/words.ts";
import { Page } from "./page.tsx";

/** A page that `load` fetches. If it cannot be fetched, a page says so. Needs a `Suspense` around it. */
export const lazyPage = <Props extends object>(load: () => Promise<ComponentType<Props>>) =>
  lazy(async (): Promise<{ default: ComponentType<Props> }> => ({ default: await load().catch(() => NotLoaded) }));

/** A part of a page that `load` fetches. If it cannot be fetched, the page does without. Needs a `Suspense` around it. */
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
