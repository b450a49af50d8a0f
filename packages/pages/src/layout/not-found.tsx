// Shows the app's page for an unknown address within another page.

import { useAppContext } from "../app/context.ts";

/** The app's page for an unknown address, within another page. */
export const NotFound = () => {
  const { pages } = useAppContext();
  return <pages.notFound />;
};
