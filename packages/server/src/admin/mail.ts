// Owns `lockstep mail`: the queue of mails, for operators, and a test of the settings.

import { type Command, InvalidArgumentError, Option } from "commander";
import type { Domain } from "../compose-domain.ts";
import { randomId } from "../domain/kernel/environment.ts";
import { isMailAddress } from "../domain/mail/mails.ts";
import { type MessageState, type MessageView, messageStates } from "../domain/mail/messages.ts";
import { MailFailure } from "../domain/mail/smtp.ts";
import { realWorld } from "../world.ts";
import { type AdminProcess, CommandError, withDomain } from "./command.ts";
import { aligned, instant, visible, write, writeJson, writeLine } from "./output.ts";

interface ListOptions {
  readonly state?: MessageState;
  readonly limit: number;
  readonly json?: true;
}

export const addMailCommands = (program: Command, admin: AdminProcess) => {
  const mailCommand = program.command("mail").description("Mails: the queue, and a test of the settings");

  mailCommand
    .command("list")
    .description("Lists mails of the last week, newest first, without their addresses and contents")
    .addOption(new Option("--state <state>", "only these").choices(messageStates))
    .option("--limit <count>", "at most this many", countArgument, 100)
    .option("--json", "print each mail on a line")
    .addHelpText("after", aboutMails)
    .action(({ state, limit, json }: ListOptions) =>
      withDomain(admin, async ({ messages }) => {
        const list = await messages.list({ state: state ?? null, limit });
        if (json) {
          for (const each of list) await writeJson(admin.stdout, each);
          return;
        }
        const header = ["ID", "TEMPLATE", "STATE", "ATTEMPTS", "CREATED", "NEXT ATTEMPT", "LAST FAILURE"];
        await write(admin.stdout, aligned([header, ...list.map(rowOf)]));
      }),
    );

  mailCommand
    .command("retry")
    .description("Sends mails again that were given up, for another day")
    .argument("[id]", "only this mail, also if it waits for its next attempt. Default: all that were given up")
    .addHelpText("after", aboutRetry)
    .action((id?: string) =>
      withDomain(admin, async ({ messages }) => {
        const count = await messages.retry(id ?? null);
        if (id !== undefined && count === 0)
          throw new CommandError(
            "notFound",
            `There is no mail ${visible(id)} to send again: it was sent, is being sent, or is of no use any more.`,
          );
        await writeLine(admin.stdout, `${count} ${count === 1 ? "mail is" : "mails are"} sent again.`);
      }),
    );

  mailCommand
    .command("test")
    .description("Hands a test mail to the mail server that MAIL_URL names, and prints its answer")
    .argument("<address>", "the e-mail address to send it to", addressArgument)
    .addHelpText("after", aboutTest)
    .action((address: string) => withDomain(admin, (domain) => sendTest(admin, domain, address)));
};

/** Without the queue, so that the operator sees the outcome. */
const sendTest = async (admin: AdminProcess, { messages, renderMail, connectToMailServer }: Domain, to: string) => {
  if (!messages.on) throw new CommandError("failed", "MAIL=off: no mail is sent.");
  if (connectToMailServer === null)
    throw new CommandError("failed", "There is no MAIL_URL: mails are caught, and shown at /dev/mail.");
  const connections = await connectToMailServer();
  try {
    const { random } = admin.world ?? realWorld;
    const content = await renderMail({ template: "test", to, userId: null, data: {} });
    await connections.send({ id: randomId(random), to, content }, new AbortController().signal);
    await writeLine(admin.stdout, `The mail server accepted a test mail to ${visible(to)}.`);
  } catch (error) {
    if (!(error instanceof MailFailure)) throw error;
    throw new CommandError("failed", `The mail server did not accept the mail: ${visible(error.message)}`);
  } finally {
    connections.close();
  }
};

const rowOf = ({ id, template, state, attempts, createdAt, dueAt, failure }: MessageView) => [
  id,
  template,
  state,
  String(attempts),
  instant(createdAt),
  dueAt === null ? "-" : instant(dueAt),
  failure ?? "-",
];

const addressArgument = (text: string): string => {
  if (!isMailAddress(text)) throw new InvalidArgumentError("Give an e-mail address such as jane@example.com.");
  return text;
};

const countArgument = (text: string): number => {
  const count = Number(text);
  if (!/^\d{1,6}$/.test(text) || count < 1) throw new InvalidArgumentError("Give a number from 1 to 999999.");
  return count;
};

const aboutMails = `
States: waiting (for its first or next attempt), sent, given_up (refused by the mail server, or not sent within a day).
Addresses and contents are encrypted until a mail is sent, and not printed.

A mail in JSON: {"id", "template", "userId", "state", "attempts", "createdAt", "dueAt", "sentAt", "failure"}; times are in
epoch milliseconds and may be null.

Example:
  $ npm run lockstep -- mail list --state given_up`;

const aboutRetry = `
A mail that is of no use any more, such as a code that has expired, is not sent again. Exit code 3: there is no such mail.`;

const aboutTest = `
Exit code 1: the mail server did not accept it; the message says why.

Example:
  $ npm run lockstep -- mail test jane@example.com`;
