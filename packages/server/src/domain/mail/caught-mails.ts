// Owns the mails that development caught in place of sending them, as a reader would see them.

import type { Dispatcher } from "./dispatcher.ts";
import type { MailContent } from "./mails.ts";
import type { Messages } from "./messages.ts";
import type { RenderMail } from "./templates.ts";

/** A mail that was caught in place of being sent. */
export interface CaughtMail extends MailContent {
  readonly to: string;
}

export type CaughtMails = ReturnType<typeof createCaughtMails>;

/** The most mails that are shown. */
const shown = 100;

export const createCaughtMails =
  ({
    messages,
    renderMail,
    dispatcher,
  }: {
    messages: Messages;
    renderMail: RenderMail;
    dispatcher: Pick<Dispatcher, "once">;
  }) =>
  /** The caught mails, newest first, with every mail of a transaction that is committed by now. */
  async (): Promise<(CaughtMail & { readonly id: string; readonly sentAt: number })[]> => {
    await dispatcher.once();
    const caught = await messages.caught(shown);
    return Promise.all(
      caught.map(async ({ id, sentAt, mail }) => ({ id, sentAt, to: mail.to, ...(await renderMail(mail)) })),
    );
  };
