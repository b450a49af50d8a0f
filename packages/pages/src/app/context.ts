// Owns the context of components: what the app passed to its pages.

import type { Brand, Scopes } from "@lockstep/kit";
import { createContext, use, useContext } from "react";
import type { Pages } from "../pages.ts";
import type { News } from "../session/news.ts";
import type { Steps } from "../session/steps.ts";
import type { SomeOf, Words } from "../words/words.ts";
import type { Backend } from "./backend.ts";
import type { Slots } from "./slots.ts";

/** A link of the navigation. */
export interface NavigationItem {
  readonly path: string;
  readonly label: string;
}

export interface AppContextValue {
  readonly backend: Backend;
  readonly brand: Brand;
  /** Returns the same promise each time. */
  readonly loadScopes: () => Promise<Scopes>;
  readonly words: SomeOf<Words>;
  readonly slots: Slots;
  readonly pages: Pages;
  readonly steps: Steps;
  readonly news: News;
}

export const AppContext = createContext<AppContextValue | null>(null);

export const useAppContext = (): AppContextValue => {
  const value = useContext(AppContext);
  if (!value) throw new Error("This component needs a LockstepApp around it");
  return value;
};

/** The backend, with the operations that every backend has. */
export const useBackend = (): Backend => useAppContext().backend;

/** The brand of the service. */
export const useBrand = (): Brand => useAppContext().brand;

/** The scopes of the contract, each with its words. Needs a `Suspense` above it. */
export const useScopes = (): Scopes => use(useAppContext().loadScopes());
