// Owns handing mails to a mail server over SMTP (RFC 5321, 6409), and what each failure means for the mail. Who calls
// it, and when: `dispatcher.ts`.

import type { ConnectionOptions } from "node:tls";
import type { Brand } from "@lockstep/kit";
import type { MailContent } from "./mails.ts";

/** A mail server to hand mails to. */
export interface MailServer {
  readonly host: string;
  readonly port: number;
  /** Whether the connection begins with TLS. Otherwise it is upgraded by STARTTLS (RFC 3207). */
  readonly tls: boolean;
  /** Whether mails may be sent without TLS when the server does not offer it. */
  readonly plaintext: boolean;
  readonly login: { readonly user: string; readonly password: string } | null;
}

/** The sender of all mails. Without a name, the brand's is shown. */
export interface Sender {
  readonly name: string | null;
  readonly address: string;
}

export interface OutgoingMail {
  readonly id: string;
  readonly to: string;
  readonly content: MailContent;
}

/**
 * `unreachable`: the server takes no mail at all now. `delayed`: it may take this mail later. `refused`: it never will.
 */
export type FailureKind = "unreachable" | "delayed" | "refused";

/** The server did not accept a mail. The message is the reason for the operator, without e-mail addresses. */
export class MailFailure extends Error {
  override readonly name = "MailFailure";
  readonly kind: FailureKind;

  constructor(kind: FailureKind, reason: string) {
    super(withoutAddresses(reason));
    this.kind = kind;
  }
}

/** Connections to a mail server that are reused while there are mails to send. */
export interface Connections {
  /**
   * Resolves when the server has accepted the mail.
   * @throws MailFailure
   */
  send(mail: OutgoingMail, signal: AbortSignal): Promise<void>;
  /**
   * Resolves when the server has accepted the login, without a mail.
   * @throws MailFailure
   */
  greet(): Promise<void>;
  close(): void;
}

/** Opens connections when they are first needed. */
export type Connect = () => Promise<Connections>;

export interface SmtpOptions {
  readonly server: MailServer;
  readonly from: Sender;
  readonly brand: Brand;
  /** How many mails are sent at once. */
  readonly connections: number;
  /** For a certificate authority of the caller's own. */
  readonly tls?: Pick<ConnectionOptions, "ca">;
  /** How long the server may be silent. RFC 5321 §4.5.3.2.6 asks for ten minutes. */
  readonly silenceMs?: number;
  readonly observe?: ObserveSending | undefined;
  /** How long one mail may take, whatever the server sends meanwhile. */
  readonly limitMs?: number;
}

/** Hands over one mail. */
export type ObserveSending = (server: Pick<MailServer, "host" | "port">, send: () => Promise<void>) => Promise<void>;

const minute = 60 * 1000;

export const connectBySmtp =
  ({
    server,
    from,
    brand,
    connections,
    tls,
    observe = (_server, send) => send(),
    silenceMs = 10 * minute,
    limitMs = 30 * minute,
  }: SmtpOptions): Connect =>
  async () => {
    // Loaded when the first mail is sent.
    const { createTransport } = await import("nodemailer");
    const pool = createTransport({
      pool: true,
      maxConnections: connections,
      host: server.host,
      port: server.port,
      secure: server.tls,
      requireTLS: !server.tls && !server.plaintext,
      connectionTimeout: Math.min(silenceMs, 30_000),
      greetingTimeout: Math.min(silenceMs, 30_000),
      socketTimeout: silenceMs,
      ...(server.login && { auth: { user: server.login.user, pass: server.login.password } }),
      ...(tls && { tls }),
      // A template is text: it never names a file or a URL to include.
      disableFileAccess: true,
      disableUrlAccess: true,
    });
    const send = async ({ id, to, content: { subject, text, html } }: OutgoingMail, signal: AbortSignal) => {
      const limit = AbortSignal.timeout(limitMs);
      try {
        await pool.sendMail({
          // As objects: nothing is parsed as a list of addresses.
          from: { name: from.name ?? brand.name, address: from.address },
          to: { name: "", address: to },
          envelope: { from: from.address, to: [to] },
          // The same in each attempt, so that mailboxes recognize a mail that arrives twice.
          messageId: `<${id}@${from.address.slice(from.address.lastIndexOf("@") + 1)}>`,
          subject,
          text,
          html,
          // No out-of-office replies (RFC 3834).
          headers: { "Auto-Submitted": "auto-generated" },
          signal: AbortSignal.any([signal, limit]),
        });
      } catch (error) {
        if (limit.aborted) throw new MailFailure("unreachable", "the mail server took too long");
        throw failureOf(error);
      }
    };
    return {
      send: (mail, signal) => observe(server, () => send(mail, signal)),
      async greet() {
        try {
          await pool.verify();
        } catch (error) {
          throw failureOf(error);
        }
      },
      close: () => pool.close({ force: true }),
    };
  };

interface SmtpError {
  readonly code?: string;
  readonly command?: string;
  readonly response?: string;
  readonly responseCode?: number;
  readonly message?: string;
}

const failureOf = (error: unknown): MailFailure => {
  const { code, command, response, responseCode = 0, message } = error as SmtpError;
  return new MailFailure(kindOf(code, command, responseCode), response || message || String(error));
};

const kindOf = (code: string | undefined, command: string | undefined, responseCode: number): FailureKind => {
  const concernsMail = (code === "EENVELOPE" && command !== "MAIL FROM") || code === "EMESSAGE";
  // 421: the server closes the connection, whatever the mail (RFC 5321 §3.8).
  if (!concernsMail || responseCode === 421) return "unreachable";
  // Without an answer: the client found that the address or the size is not for this server.
  return responseCode >= 500 || responseCode === 0 ? "refused" : "delayed";
};

/** Mail servers repeat addresses in their answers, and the audit log is kept forever. */
const withoutAddresses = (text: string): string =>
  text
    .replace(/[\p{C}\p{Z}]+/gu, " ")
    .replace(/[^\s<>"'(),:;]+@[^\s<>"'(),:;]+/g, "…@…")
    .slice(0, 300);

/** Catches mails in place of sending them: they count as sent. */
export const catchMails: Connect = async () => ({ send: async () => {}, greet: async () => {}, close: () => {} });
