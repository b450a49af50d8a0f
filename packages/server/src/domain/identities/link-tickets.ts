// Owns tickets for linking: what a signed-in person is given to begin with, bound to them and to their session.
// It opens nothing by itself: the browser that brings it must have that session's cookie.

import type { Sealed } from "../kernel/sealed.ts";

export interface LinkTicket {
  readonly provider: string;
  readonly session: { readonly id: string; readonly userId: string };
  readonly returnTo: string;
}

const lifetimeSeconds = 120;

export type LinkTickets = ReturnType<typeof createLinkTickets>;

export const createLinkTickets = ({ sealed }: { sealed: Sealed }) => ({
  issue: (ticket: LinkTicket): Promise<string> => sealed.seal("link-tickets", ticket, lifetimeSeconds),

  /** `null`: not ours, or its time is over. */
  read: (text: string): Promise<LinkTicket | null> => sealed.open<LinkTicket>("link-tickets", text),
});
