// Owns `lockstep user`: people with an account, managed by operators. Importing: `user-import.ts`.

import {
  EmailAddress,
  type ExportPart,
  LoginInput,
  recentAccessDays,
  UpdateUserInput,
  type User,
  Username,
} from "@lockstep/kit";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { z } from "zod";
import type { Domain } from "../compose-domain.ts";
import { invitationLifetimeDays } from "../domain/accounts/sign-up-rules.ts";
import { commandLine } from "../domain/kernel/audit.ts";
import { type AdminProcess, CommandError, withDomain } from "./command.ts";
import { aligned, instant, visible, write, writeJson, writeLine } from "./output.ts";
import { readNewPassword } from "./password-input.ts";
import { addUserImportCommand } from "./user-import.ts";

/** Users that are read in one query. */
const pageSize = 1000;

interface Options {
  readonly json?: true;
}

interface DeleteOptions extends Options {
  readonly now?: true;
}

interface SetPasswordOptions extends Options {
  readonly unlinkIdentities?: true;
}

interface CreateOptions extends Options {
  readonly email?: string;
  readonly name?: string;
  readonly role: string;
  readonly requireFactor?: true;
}

/** Returns the command, for the commands below it in other files. */
export const addUserCommands = (program: Command, admin: AdminProcess): Command => {
  const user = program.command("user").description("People with an account");

  user
    .command("create")
    .description("Creates a user. The password is entered at a prompt, or read from standard input")
    .argument("<username>", "letters, digits, dots, dashes and underscores", checkedBy(Username))
    .option("--email <address>", "e-mail address", checkedBy(EmailAddress))
    .option("--name <name>", "full name (default: the username)", checkedBy(UpdateUserInput.shape.fullName))
    .addOption(new Option("--role <role>", "the user's role").choices(admin.app.contract.roles).default("user"))
    .option("--require-factor", "the user has to add a second factor at the first sign-in")
    .option("--json", "print the user")
    .addHelpText("after", aboutPasswords)
    .addHelpText("after", example('npm run lockstep -- user create jane --email jane@example.com --name "Jane Doe"'))
    .action((username: string, options: CreateOptions) =>
      withDomain(admin, (domain) => create(admin, domain, username, options)),
    );

  user
    .command("list")
    .description("Lists all users, by username")
    .option("--json", "print each user on a line")
    .addHelpText("after", aboutJson)
    .addHelpText("after", example("npm run -s lockstep -- user list --json | jq -r 'select(.disabled).username'"))
    .action((options: Options) => withDomain(admin, (domain) => list(admin, domain, options)));

  /** A command about one existing user. */
  const aboutOne = (
    name: string,
    description: string,
    help: readonly string[],
    act: (domain: Domain, found: User, options: Options) => Promise<void>,
  ) => {
    const command = user
      .command(name)
      .description(description)
      .argument("<user>", aboutUserArgument, userArgument)
      .option("--json", "print the user");
    for (const text of help) command.addHelpText("after", text);
    command.action((login: string, options: Options) =>
      withDomain(admin, async (domain) => act(domain, await findUser(domain, login), options)),
    );
  };

  aboutOne(
    "show",
    "Shows a user",
    [aboutJson, example("npm run lockstep -- user show jane@example.com")],
    async ({ deletions }, found, { json }) => {
      if (json) return writeJson(admin.stdout, found);
      const pending = await deletions.find(found.id);
      const deleted = pending ? [["deleted on", instant(pending.deletesAt)]] : [];
      await write(admin.stdout, aligned([...fieldsOf(found), ...deleted]));
    },
  );

  user
    .command("invite")
    .description("Invites an e-mail address to sign up, by mail")
    .argument("<address>", "an e-mail address", checkedBy(EmailAddress))
    .addOption(
      new Option("--role <role>", "the role of the new user").choices(admin.app.contract.roles).default("user"),
    )
    .addHelpText("after", aboutInvitations)
    .addHelpText("after", example("npm run lockstep -- user invite jane@example.com"))
    .action((address: string, { role }: { role: string }) =>
      withDomain(admin, (domain) => invite(admin, domain, address, role)),
    );

  aboutOne(
    "verify-email",
    "Vouches that a user's e-mail address is theirs, so that they can recover the account with it",
    [aboutVerifying, example("npm run lockstep -- user verify-email jane")],
    async ({ accounts }, found, options) => {
      if (!(await accounts.verifyEmail(found.id, commandLine)))
        throw new CommandError("failed", `${found.username} has no e-mail address, or is disabled.`);
      await tell(admin, options, { ...found, emailVerified: true }, `has the verified e-mail address ${found.email}`);
    },
  );

  aboutOne(
    "disable",
    "Disables a user, and revokes every session and grant",
    [example("npm run lockstep -- user disable jane")],
    async ({ accounts }, found, options) => {
      await accounts.disable(found.id, commandLine);
      await tell(admin, options, { ...found, disabled: true }, "is disabled, and every session and grant is revoked");
    },
  );

  aboutOne(
    "enable",
    "Enables a disabled user; earlier sessions and grants stay revoked",
    [example("npm run lockstep -- user enable jane")],
    async ({ accounts, deletions }, found, options) => {
      const pending = await deletions.find(found.id);
      if (pending)
        throw new CommandError(
          "failed",
          `${found.username} is deleted on ${instant(pending.deletesAt)}. To keep the account, run user cancel-deletion ${found.username}.`,
        );
      if (found.disabled) await accounts.enable(found.id, commandLine);
      await tell(admin, options, { ...found, disabled: false }, "is enabled");
    },
  );

  user
    .command("set-password")
    .description("Sets a user's password, and revokes every session and grant")
    .argument("<user>", aboutUserArgument, userArgument)
    .option("--unlink-identities", `also unlink the identities that were linked in the last ${recentAccessDays} days`)
    .option("--json", "print the user")
    .addHelpText("after", aboutPasswords)
    .addHelpText("after", aboutIdentities)
    .addHelpText("after", example("npm run lockstep -- user set-password jane < new-password.txt"))
    .action((login: string, options: SetPasswordOptions) =>
      withDomain(admin, async (domain) => setPassword(admin, domain, await findUser(domain, login), options)),
    );

  aboutOne(
    "require-reset",
    "Removes a user's password, revokes every session and grant, and asks the user by mail to set a new one",
    [example("npm run lockstep -- user require-reset jane")],
    async ({ passwordChange }, found, options) => {
      if (!(await passwordChange.requireReset(found.id, commandLine)))
        throw new CommandError(
          "failed",
          `${found.username} cannot recover the account: it is disabled, has no verified e-mail address, or no mail is sent. Nothing was changed.`,
        );
      await tell(admin, options, found, "has no password now, and is asked by mail to set a new one");
    },
  );

  aboutOne(
    "sign-out",
    "Ends every session of a user; the user can sign in again",
    [aboutSignOut, example("npm run lockstep -- user sign-out jane")],
    async ({ sessions }, found, options) => {
      const ended = await sessions.endAllOf(found.id, "revoked", commandLine);
      await tell(
        admin,
        options,
        found,
        `is signed out: ${ended} ${ended === 1 ? "session has" : "sessions have"} ended`,
      );
    },
  );

  user
    .command("delete")
    .description(
      "Deletes a user with everything in the account, after the days of DELETION_DAYS; ends every access at once",
    )
    .argument("<user>", aboutUserArgument, userArgument)
    .option("--now", "delete at once, for good")
    .option("--json", "print the user")
    .addHelpText("after", aboutDeletion)
    .addHelpText("after", example("npm run lockstep -- user delete jane"))
    .action((login: string, options: DeleteOptions) =>
      withDomain(admin, async (domain) => deleteUser(admin, domain, await findUser(domain, login), options)),
    );

  aboutOne(
    "cancel-deletion",
    "Keeps a user who is to be deleted; earlier sessions and grants stay revoked",
    [example("npm run lockstep -- user cancel-deletion jane")],
    async ({ deletions, users }, found, options) => {
      if (!(await deletions.cancelByOperator(found.id, commandLine)))
        throw new CommandError("failed", `${found.username} is not to be deleted, or the deletion has begun.`);
      const kept = (await users.find(found.id)) ?? found;
      await tell(admin, options, kept, `stays, and is ${stateOf(kept)}`);
    },
  );

  user
    .command("export")
    .description("Prints everything that is stored about a user, without secrets, as one JSON document")
    .argument("<user>", aboutUserArgument, userArgument)
    .addHelpText("after", aboutExport)
    .addHelpText("after", example("npm run -s lockstep -- user export jane > jane.json"))
    .action((login: string) =>
      withDomain(admin, async (domain) => exportUser(admin, domain, await findUser(domain, login))),
    );

  addUserImportCommand(user, admin);
  return user;
};

const deleteUser = async (admin: AdminProcess, { deletions }: Domain, found: User, options: DeleteOptions) => {
  const immediately = options.now ?? false;
  const requested = await deletions.requestByOperator(found.id, { immediately }, commandLine);
  if (!requested) throw new CommandError("notFound", `There is no user ${visible(found.username)}.`);
  if (immediately) {
    await deletions.complete(found.id);
    await tell(admin, options, { ...found, disabled: true }, "is deleted");
    return;
  }
  const until = instant(requested.deletesAt);
  await tell(
    admin,
    options,
    { ...found, disabled: true },
    `is deleted on ${until}, and every session and grant is revoked. Until then: user cancel-deletion ${found.username}`,
  );
};

/** Part by part, so that any number of rows fits. Each row is on a line of its own. */
const exportUser = async ({ stdout }: AdminProcess, { dataExport }: Domain, found: User) => {
  let open: string | null = null;
  let cursor: string | null = null;
  do {
    const part: ExportPart = await dataExport.part(found.id, cursor, commandLine);
    if (cursor === null) await write(stdout, `{"exportedAt":${JSON.stringify(part.exportedAt)},"tables":{`);
    for (const [table, rows] of Object.entries(part.tables)) {
      // A table can continue in the next part.
      const before: string = open === table ? "" : `${open === null ? "" : "],"}\n${JSON.stringify(table)}:[`;
      const lines = rows.map((row, place) => `${open === table || place > 0 ? "," : ""}\n${JSON.stringify(row)}`);
      await write(stdout, before + lines.join(""));
      open = table;
    }
    cursor = part.next;
  } while (cursor !== null);
  await write(stdout, "]}}\n");
};

const invite = async (admin: AdminProcess, domain: Domain, address: string, role: string) => {
  if (!domain.messages.on) throw new CommandError("failed", "This server sends no mail: MAIL=off.");
  if (domain.signUpRules.policy === "off") throw new CommandError("failed", "Nobody can sign up: SIGN_UP=off.");
  const refusal = domain.signUpRules.refusalOf(address);
  if (refusal) throw new CommandError("failed", refusal.details.explanation);
  const holder = await domain.users.findByLogin(address);
  if (holder?.user.emailVerified)
    throw new CommandError("failed", `${holder.user.username} has the e-mail address ${address}.`);
  await domain.signUpRules.invite(address, role, commandLine);
  await writeLine(admin.stdout, `${address} is invited, for ${invitationLifetimeDays} days.`);
};

const setPassword = async (admin: AdminProcess, domain: Domain, found: User, options: SetPasswordOptions) => {
  const passwordHash = await newPasswordHash(admin, domain, found);
  const remaining = await domain.passwordChange.byAdministrator(found.id, passwordHash, commandLine, {
    unlinkRecentIdentities: options.unlinkIdentities ?? false,
  });
  await tell(admin, options, found, "has the new password, and every session and grant is revoked");
  if (remaining.length === 0) return;
  // On standard error: with --json, standard output contains only the user.
  await write(
    admin.stderr,
    [
      `These identities still sign in to the account. They were linked in the last ${recentAccessDays} days:\n`,
      aligned(
        remaining.map(({ provider, email, linkedAt }) => [`  ${provider.name}`, email ?? "-", instant(linkedAt)]),
      ),
      `If ${found.username} does not know them, run this command again with --unlink-identities.\n`,
    ].join(""),
  );
};

const create = async (admin: AdminProcess, domain: Domain, username: string, options: CreateOptions) => {
  const { email = null, name: fullName = username, role } = options;
  await refuseTaken(domain, username, email);
  const passwordHash = await newPasswordHash(admin, domain, { username, email, fullName });
  const factorRequired = options.requireFactor ?? false;
  const newUser = { username, email, fullName, role, passwordHash, factorRequired };
  const created = await domain.accounts.create(newUser, commandLine);
  if (created) return await tell(admin, options, created, "is created");
  // Another request created the account while the password was typed.
  await refuseTaken(domain, username, email);
  throw new CommandError("failed", "The user could not be created. Try again.");
};

/** @throws CommandError that says which of the two another account has */
const refuseTaken = async ({ users }: Domain, username: string, email: string | null) => {
  if (await users.findByLogin(username)) throw new CommandError("failed", `The username ${username} is taken.`);
  if (email !== null && (await users.findByLogin(email))) {
    throw new CommandError("failed", `Another account uses the e-mail address ${email}.`);
  }
};

/** @throws CommandError when the password is refused; its message says why. */
const newPasswordHash = async (
  admin: AdminProcess,
  { passwords, passwordPolicy }: Domain,
  { username, email, fullName }: Pick<User, "username" | "email" | "fullName">,
): Promise<string> => {
  const personal = [username, email, fullName].filter((word) => word !== null);
  return passwords.hash(await readNewPassword(admin, (password) => passwordPolicy.refusalOf(password, personal)));
};

/** Page by page, so that any number of users fits. */
const list = async ({ stdout }: AdminProcess, { users }: Domain, { json }: Options) => {
  let header = [["USERNAME", "ROLE", "STATE", "CREATED", "EMAIL", "NAME"]];
  for (let after = ""; ; ) {
    const page = await users.list({ after, limit: pageSize });
    if (json) await write(stdout, page.map((user) => `${JSON.stringify(user)}\n`).join(""));
    else await write(stdout, aligned([...header, ...page.map(rowOf)]));
    header = [];
    const last = page.at(-1);
    if (!last || page.length < pageSize) return;
    after = last.username;
  }
};

/**
 * The user with this username, e-mail address or ID.
 * @throws CommandError when there is none.
 */
export const findUser = async ({ users }: Domain, login: string): Promise<User> => {
  // The ID first, since nobody can choose one: a username could look like another user's ID.
  const user = (await users.find(login)) ?? (await users.findByLogin(login))?.user;
  if (!user) throw new CommandError("notFound", `There is no user ${visible(login)}.`);
  return user;
};

const tell = ({ stdout }: AdminProcess, { json }: Options, user: User, whatIsTrueNow: string) =>
  json ? writeJson(stdout, user) : writeLine(stdout, `${user.username} ${whatIsTrueNow}.`);

const rowOf = (user: User) => [
  user.username,
  user.role,
  stateOf(user),
  instant(user.createdAt),
  user.email ?? "-",
  user.fullName,
];

const fieldsOf = (user: User) => [
  ["id", user.id],
  ["username", user.username],
  ["email", user.email ?? "-"],
  ["verified", user.emailVerified ? "yes" : "no"],
  ["name", user.fullName],
  ["role", user.role],
  ["state", stateOf(user)],
  ["created", instant(user.createdAt)],
];

const stateOf = (user: User) => (user.disabled ? "disabled" : "enabled");

export const aboutUserArgument = "a username, an e-mail address or an ID";

/** An argument parser from a schema of the contract. */
const checkedBy =
  (schema: z.ZodType<string>) =>
  (value: string): string => {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    throw new InvalidArgumentError(parsed.error.issues.map((issue) => issue.message).join("; "));
  };

/** Parses the argument that names a user. */
export const userArgument = checkedBy(LoginInput.shape.username);

const example = (commandLine: string) => `
Example:
  $ ${commandLine}`;

const aboutJson = `
A user in JSON: {"id", "username", "email", "emailVerified", "fullName", "role", "disabled", "createdAt"}; "email" may
be null, "createdAt" is in epoch milliseconds.`;

const aboutInvitations = `
The invited person signs up with the link in the mail, and proves the address there. With SIGN_UP=invited, only
invited people can. A second invitation of an address replaces the first.`;

const aboutVerifying = `
A user without a verified address signs in with the password, but cannot recover the account. Addresses of users that
were created or imported by commands, or before an upgrade, are not verified. Users verify theirs on the account page.`;

const aboutIdentities = `
An attacker may have linked an identity to the account. Identities that were linked in the last ${recentAccessDays} days
are listed on standard error; --unlink-identities unlinks them in the same transaction.`;

const aboutDeletion = `
The user is told by mail, and cannot cancel it. Within the DELETION_DAYS, \`user cancel-deletion\` can. Then a running
server deletes the account: the user, the sessions, the clients that the user registered, and every row of the app's
tables. The audit log keeps what happened, not who it was.`;

const aboutExport = `
{"exportedAt", "tables": {"users": [{…}], "sessions": [{…}], …}}: each row on a line, times as ISO 8601. A table without
rows of the user is an empty list. The export is an entry in the audit log.`;

const aboutSignOut = `
The next call of each session is refused; a running server closes its open subscriptions within a second.`;

const aboutPasswords = `
The password is entered twice at a hidden prompt, or read from standard input if that is not a terminal:
one line, in UTF-8. It is never an argument, which other users of this machine could see.`;
