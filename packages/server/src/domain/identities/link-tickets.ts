// Owns tickets for linking an identity: issued to a signed-in person, bound to their account and session. A ticket is
// not enough: the browser that presents it must have that session's cookie.

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

  /** `null`: not issued here, or expired. */
  read: (text: string): Promise<LinkTicket | null> => sealed.open<LinkTicket>("link-tickets", text),
});
