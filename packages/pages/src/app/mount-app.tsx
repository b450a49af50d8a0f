// Starts the app in its page, and shows an error page if it fails.

import { type ComponentType, StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Broken } from "./broken.tsx";

/**
 * Renders `App` into the element `#root`.
 * @throws Error when the page has none
 */
export const mountApp = (App: ComponentType): void => {
  const container = document.getElementById("root");
  if (!container) throw new Error("The page has no element with the id root");
  const root = createRoot(container, {
    onUncaughtError(error) {
      reportError(error);
      root.render(<Broken />);
    },
  });
  root.render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
};
