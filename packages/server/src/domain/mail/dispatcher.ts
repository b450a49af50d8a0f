// Owns sending the mails of the queue: background work of every server. Each mail that is due is claimed, rendered and
// handed to the mail server. Calls never wait for it.

import { setTimeout as delay } from "node:timers/promises";
import type { MailContent } from "./mails.ts";
import type { ClaimedMail, Messages } from "./messages.ts";
import { type Connect, type Connections, MailFailure } from "./smtp.ts";
import type { RenderMail } from "./templates.ts";

/** Mails that a server sends at once. A mail server that is slow with one of them does not stop the others. */
export const parallelMails = 4;

/** How often a server looks for mails. */
const intervalMs = 1000;
/** The longest pause while the mail server or the database cannot be reached. */
const longestPauseMs = 60 * 1000;
/** A third of the lease. */
const renewalMs = 20 * 1000;
/** How long a shutdown waits for mails that are being sent. */
const shutdownMs = 5000;

/** The outcome of an attempt to send a mail, for logs and metrics. */
export interface MailOutcome {
  readonly outcome: "sent" | "delayed" | "given_up";
  readonly messageId: string;
  readonly template: string;
  readonly attempts: number;
  /** Why it was not sent, without e-mail addresses. */
  readonly reason: string | null;
  /** What was sent to whom. `null`: it was not sent. */
  readonly mail: (MailContent & { readonly to: string }) | null;
}

export interface DispatcherOptions {
  readonly messages: Messages;
  readonly render: RenderMail;
  readonly connect: Connect;
  readonly now: () => number;
  /** Called after each attempt. */
  readonly tell: (outcome: MailOutcome) => void;
  /** For tests. */
  readonly renewalMs?: number;
  readonly shutdownMs?: number;
}

export type Dispatcher = ReturnType<typeof createDispatcher>;

export const createDispatcher = (options: DispatcherOptions) => {
  const { messages, render, connect, now, tell } = options;
  const ending = new AbortController();
  const aborting = new AbortController();

  /** @throws MailFailure when the mail was not sent */
  const send = async ({ id, mail, expiresAt }: ClaimedMail, connections: () => Promise<Connections>) => {
    if (mail === null) throw new MailFailure("refused", "it was encrypted under another SECRET");
    if (expiresAt !== null && now() >= expiresAt) throw new MailFailure("refused", "it was of no use any more");
    const content = await render(mail).catch((error: unknown) => {
      throw new MailFailure("delayed", `its template failed: ${error instanceof Error ? error.message : error}`);
    });
    await (await connections()).send({ id, to: mail.to, content }, aborting.signal);
    return { ...content, to: mail.to };
  };

  /** Whether the mail server can take further mails. */
  const deliver = async (claimed: ClaimedMail, connections: () => Promise<Connections>): Promise<boolean> => {
    const { id: messageId, template, attempts } = claimed;
    const renewal = setInterval(() => {
      // If it fails, the lease ends, and another server sends the mail again.
      messages.renew(claimed).catch(() => {});
    }, options.renewalMs ?? renewalMs);
    try {
      const mail = await send(claimed, connections);
      await messages.markSent(claimed);
      tell({ outcome: "sent", messageId, template, attempts, reason: null, mail });
      return true;
    } catch (error) {
      if (!(error instanceof MailFailure)) throw error;
      if (aborting.signal.aborted) {
        await messages.release(claimed);
        return false;
      }
      const { kind, message: reason } = error;
      const givenUp = await messages.markFailed(claimed, { reason, final: kind === "refused" });
      tell({ outcome: givenUp ? "given_up" : "delayed", messageId, template, attempts, reason, mail: null });
      return kind !== "unreachable";
    } finally {
      clearInterval(renewal);
    }
  };

  /** Sends until no mail is due. `false`: the mail server cannot be reached. */
  const drain = async (): Promise<boolean> => {
    let next = await messages.claim();
    if (next === null) return true;
    let reachable = true;
    let opened: Promise<Connections> | undefined;
    const connections = () => {
      opened ??= connect();
      return opened;
    };
    const worker = async () => {
      while (reachable && !ending.signal.aborted) {
        const claimed = next ?? (await messages.claim());
        next = null;
        if (claimed === null) return;
        if (!(await deliver(claimed, connections))) reachable = false;
      }
    };
    try {
      const workers = await Promise.allSettled(Array.from({ length: parallelMails }, worker));
      for (const each of workers) if (each.status === "rejected") throw each.reason;
      return reachable;
    } finally {
      // Connections do not wait for the next mail: a network may drop them without notice.
      (await opened)?.close();
    }
  };

  let last: Promise<unknown> = Promise.resolve();
  /** Sends all mails that are due, after those that are being sent. `false`: the mail server cannot be reached. */
  const once = (): Promise<boolean> => {
    const run = last.then(drain);
    last = run.catch(() => {});
    return run;
  };

  return {
    once,

    /** Sends mails until `end`. A failure of the database is reported, and the next look starts after a pause. */
    begin(report: (error: unknown) => void) {
      const loop = async () => {
        for (let failures = 0; !ending.signal.aborted; ) {
          const reachable = await once().catch((error: unknown) => {
            report(error);
            return false;
          });
          failures = reachable ? 0 : failures + 1;
          const pauseMs = Math.min(intervalMs * 2 ** failures, longestPauseMs);
          await delay(pauseMs, undefined, { signal: ending.signal }).catch(() => {});
        }
      };
      const running = loop();
      return {
        /** Waits for the mails that are being sent, for a few seconds; others are returned to the queue. */
        end: async () => {
          ending.abort();
          const timer = setTimeout(() => aborting.abort(), options.shutdownMs ?? shutdownMs);
          await running;
          await last;
          clearTimeout(timer);
        },
      };
    },
  };
};
