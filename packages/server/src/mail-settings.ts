// Owns the settings of mail: the mail server, the sender, and what is turned off without mail.

import { z } from "zod";
import { isMailAddress } from "./domain/mail/mails.ts";
import type { MailServer, Sender } from "./domain/mail/smtp.ts";

export interface MailSettings {
  /** Whether mail is sent at all. */
  readonly on: boolean;
  /** `null`: mails are caught, and shown at `/dev/mail`. */
  readonly server: MailServer | null;
  readonly from: Sender;
}

/** What `MAIL=off` turns off, for the operator to read. */
export const needsMail: readonly string[] = [
  "sign-up by mail",
  "recovery",
  "codes to sign in with",
  "changes of address",
  "invitations",
  "notices about changed credentials and sign-ins from new devices",
];

const isLoopback = (host: string) => /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(host);

/** `null`: not a URL of a mail server. */
const mailServerOf = (text: string): MailServer | null => {
  const url = URL.parse(text);
  if (!url || !/^smtps?:$/.test(url.protocol) || url.port === "0") return null;
  // As of a web address: `URL` takes almost any text for the host of another scheme.
  const hostname = URL.parse(`http://${url.host}`)?.hostname ?? "";
  if (!/^[\w.:[\]-]+$/.test(hostname)) return null;
  if (!/^\/?$/.test(url.pathname) || url.hash || !/^(\?starttls=optional)?$/.test(url.search)) return null;
  const tls = url.protocol === "smtps:";
  if (tls && url.search) return null;
  if ((url.username === "") !== (url.password === "")) return null;
  let login: MailServer["login"] = null;
  try {
    if (url.username) login = { user: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
  } catch {
    return null;
  }
  return {
    host: hostname.replace(/^\[|\]$/g, ""),
    port: url.port ? Number(url.port) : tls ? 465 : 587,
    tls,
    plaintext: isLoopback(hostname) || url.search !== "",
    login,
  };
};

/** The setting `MAIL_URL`. */
export const MailUrl = z.string().transform((text, context): MailServer => {
  const server = mailServerOf(text);
  if (server) return server;
  // Never print the value: it contains the password.
  context.addIssue("must be smtp:// or smtps:// and a host, such as smtp://user:password@mail.example.com:587");
  return z.NEVER;
});

/** The setting `MAIL_FROM`. */
export const MailFrom = z.string().transform((text, context): MailSettings["from"] => {
  const [, name, inBrackets] = /^\s*"?([^"<>\p{Cc}]*?)"?\s*<([^<>]*)>\s*$/u.exec(text) ?? [];
  const address = inBrackets ?? text.trim();
  if (isMailAddress(address)) return { name: name || null, address };
  context.addIssue("must be an e-mail address, or a name and an address, such as Example <no-reply@example.com>");
  return z.NEVER;
});
