// Owns pages that are fetched when somebody first opens them: the account page loads without their code.

import { Button } from "@mantine/core";
import { type ComponentType, lazy } from "react";
import { Page } from "./page.tsx";

/** A page that `load` brings. Where it cannot be brought, a page says so in its place. Needs a `Suspense` around it. */
export const lazyPage = <Props extends object>(load: () => Promise<ComponentType<Props>>) =>
  lazy(async (): Promise<{ default: ComponentType<Props> }> => ({ default: await load().catch(() => NotLoaded) }));

const NotLoaded = () => (
  <Page
    title="This page could not be loaded"
    lead="There may be no network, or the app was updated meanwhile. Reloading fetches it afresh, and keeps you signed in."
    narrow
  >
    <Button onClick={() => location.reload()}>Reload the page</Button>
  </Page>
);
