// Owns a real mail server for tests, on a free port of this machine (`smtp-server`). It keeps the mails that it accepts,
// as a mailbox would read them (`mailparser`).

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type ParsedMail, simpleParser } from "mailparser";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import type { MailServer } from "../src/domain/mail/smtp.ts";
import { certificate, privateKey } from "./certificate.ts";

export interface ReceivedMail {
  readonly parsed: ParsedMail;
  readonly raw: string;
  /** The addresses of `MAIL FROM` and `RCPT TO`. */
  readonly envelope: { readonly from: string; readonly to: readonly string[] };
  readonly secure: boolean;
  readonly user: unknown;
}

/** An answer of SMTP that refuses: `smtpError(550, "No such user")`. */
export const smtpError = (responseCode: number, message: string) => Object.assign(new Error(message), { responseCode });

/** Starts a mail server. Without options it accepts everything, offers STARTTLS and asks for no login. */
export const startMailServer = async ({ port = 0, ...options }: SMTPServerOptions & { port?: number } = {}) => {
  const mails: ReceivedMail[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disableReverseLookup: true,
    key: privateKey,
    cert: certificate,
    closeTimeout: 100,
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", async () => {
        const raw = Buffer.concat(chunks);
        mails.push({
          parsed: await simpleParser(raw),
          raw: raw.toString(),
          envelope: {
            from: session.envelope.mailFrom ? session.envelope.mailFrom.address : "",
            to: session.envelope.rcptTo.map(({ address }) => address),
          },
          secure: session.secure,
          user: session.user,
        });
        callback(null, "queued");
      });
    },
    ...options,
  });
  // Clients that leave in the middle.
  server.on("error", () => {});
  const listening = server.listen(port, "127.0.0.1");
  await once(listening, "listening");
  const mailServer: MailServer = {
    host: "localhost",
    port: (listening.address() as AddressInfo).port,
    tls: options.secure ?? false,
    plaintext: false,
    login: null,
  };
  const close = () => new Promise<void>((resolve) => server.close(resolve));
  return { mails, mailServer, close, [Symbol.asyncDispose]: close };
};
