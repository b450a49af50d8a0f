// The web app: Lockstep's pages with this app's brand, shell and words, and the app's own pages.

import { brand } from "@app/contract";
import { LockstepApp } from "@lockstep/pages";
import { backend } from "./backend.ts";
import { ownPages } from "./pages.ts";
import { Shell } from "./shell.tsx";
import { words } from "./words.ts";

export const App = () => (
  <LockstepApp
    backend={backend}
    brand={brand}
    loadScopes={loadScopes}
    shell={Shell}
    ownPages={ownPages}
    words={words}
  />
);

const loadScopes = async () => (await import("./scopes.ts")).scopes;
