// Starts the app in its page, and says so when it broke.

import "./zod-without-eval.ts";
import type { protocolPageMeta } from "@lockstep/kit";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "./styles/index.css";
import { App, ProtocolApp } from "./app.tsx";
import { session } from "./backend.ts";
import { Broken } from "./failures/broken.tsx";

// Written out, for the schemas beside it in the contract would come along; the compiler holds the two together.
const metaName: typeof protocolPageMeta = "lockstep-protocol-page";
const message = document.querySelector<HTMLMetaElement>(`meta[name="${metaName}"]`)?.content;
// Most pages of a protocol ask nobody who they are: the server did, where it mattered. The others start it themselves.
if (message === undefined) void session.start();

const container = document.getElementById("root");
if (!container) throw new Error("The page has no #root");

const root = createRoot(container, {
  onUncaughtError(error) {
    reportError(error);
    root.render(<Broken />);
  },
});
root.render(<StrictMode>{message === undefined ? <App /> : <ProtocolApp message={message} />}</StrictMode>);
