// Owns the slots: places in the pages for the app's own components.

import type { AuthorizationRequest, User } from "@lockstep/kit";
import type { ComponentType } from "react";
import { useAppContext } from "./context.ts";

/** Above and below the main part of a page. */
export interface AroundSlots<Props extends object = object> {
  readonly above?: ComponentType<Props>;
  readonly below?: ComponentType<Props>;
}

/** Below the parts of a page about the signed-in user, in this order. */
export interface SectionSlots {
  readonly sections?: readonly ComponentType<{ readonly user: User }>[];
}

/** The app's components, by the page that shows them. */
export interface Slots {
  /** Around the sign-in form. */
  readonly signIn?: AroundSlots;
  /** Around the first form of signing in with a code. */
  readonly signInCode?: AroundSlots;
  /** Around the first form of sign-up. */
  readonly signUp?: AroundSlots;
  /** Around the first form of recovery. */
  readonly recover?: AroundSlots;
  /** Around the question for consent. */
  readonly consent?: AroundSlots<{ readonly request: AuthorizationRequest }>;
  /** Around the form for a device's code. */
  readonly device?: AroundSlots;
  readonly account?: SectionSlots;
  readonly security?: SectionSlots;
}

const none = {};

/** The app's components for a page. */
export const useSlots = <P extends keyof Slots>(page: P): NonNullable<Slots[P]> =>
  useAppContext().slots[page] ?? (none as NonNullable<Slots[P]>);
