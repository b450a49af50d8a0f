// Owns the places in the pages where an app adds something of its own.

import type { AuthorizationRequest, User } from "@lockstep/kit";
import type { ComponentType } from "react";
import { useAppContext } from "./context.ts";

/** Above and below the main part of a page. */
export interface AroundSlots<Props extends object = object> {
  readonly above?: ComponentType<Props>;
  readonly below?: ComponentType<Props>;
}

/** Components of the app's own, by the page that shows them. */
export interface Slots {
  /** Around the sign-in form. */
  readonly signIn?: AroundSlots;
  /** Around the question whether an app may have access. */
  readonly consent?: AroundSlots<{ readonly request: AuthorizationRequest }>;
  /** Around the form for a device's code. */
  readonly device?: AroundSlots;
  readonly account?: {
    /** Below the forms of the account page, in this order. */
    readonly sections?: readonly ComponentType<{ readonly user: User }>[];
  };
}

const none = {};

/** What the app adds to a page. */
export const useSlots = <P extends keyof Slots>(page: P): NonNullable<Slots[P]> =>
  useAppContext().slots[page] ?? (none as NonNullable<Slots[P]>);
