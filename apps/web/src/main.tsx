// Starts the app in its page, and says so when it broke.

import "./zod-without-eval.ts";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "./styles/index.css";
import { App } from "./app.tsx";
import { session } from "./backend.ts";
import { Broken } from "./failures/broken.tsx";

void session.start();

const container = document.getElementById("root");
if (!container) throw new Error("The page has no #root");

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
