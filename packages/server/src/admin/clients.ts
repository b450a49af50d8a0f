// Owns `lockstep client`: OAuth clients, managed by operators. A client that an operator registers is verified; others
// can be verified.

import {
  type ClientKind,
  clientKinds,
  engineErrors,
  type OAuthClient,
  RegisterClientInput,
  type RegisteredClient,
} from "@lockstep/kit";
import { type Command, Option } from "commander";
import type { Clients, Exceptions } from "../domain/clients/clients.ts";
import { commandLine } from "../domain/kernel/audit.ts";
import { refusalOf } from "../domain/kernel/domain-error.ts";
import { type AdminProcess, CommandError, withDomain } from "./command.ts";
import { aligned, instant, visible, write, writeJson, writeLine } from "./output.ts";

interface Options {
  readonly json?: true;
}

interface RegistrationOptions extends Options {
  readonly name?: string;
  readonly kind?: ClientKind;
  readonly redirect?: string[];
  readonly postLogout?: string[];
  readonly scope?: string[];
  readonly uri?: string;
  readonly jwksUri?: string;
  readonly backchannelLogout?: string;
  readonly requirePar?: boolean;
  readonly requireDpop?: boolean;
  readonly introspect?: boolean;
  readonly pkce?: boolean;
  readonly assertionAudience?: AssertionAudience;
}

const assertionAudiences = ["issuer", "token-endpoint"] as const;
type AssertionAudience = (typeof assertionAudiences)[number];

export const addClientCommands = (program: Command, admin: AdminProcess) => {
  const clientCommand = program.command("client").description("OAuth clients");

  withRegistrationOptions(
    clientCommand
      .command("create")
      .description("Registers a client, verified; its secret is shown once")
      .argument("<name>", "what people read when they are asked"),
    admin,
  )
    .addHelpText("after", aboutKinds)
    .addHelpText("after", aboutSecret)
    .addHelpText(
      "after",
      example(
        `npm run lockstep -- client create "Photo app" --redirect https://photos.example/callback --scope profile:read`,
      ),
    )
    .action((name: string, options: RegistrationOptions) =>
      withDomain(admin, async ({ clients }) => {
        const input = checked({
          name,
          kind: options.kind ?? "web",
          redirectUris: options.redirect ?? [],
          postLogoutRedirectUris: options.postLogout ?? [],
          scopes: options.scope ?? [],
          uri: options.uri ?? null,
          jwksUri: options.jwksUri ?? null,
          backchannelLogoutUri: options.backchannelLogout ?? null,
          requirePushedRequests: options.requirePar ?? false,
          requireDpop: options.requireDpop ?? false,
        });
        checkPkce(options.pkce === false, input);
        const registered = await clients.register(input, "operator", commandLine);
        const client = await withExceptions(clients, registered.client, options);
        await tellSecret(admin, options, { ...registered, client });
      }),
    );

  clientCommand
    .command("list")
    .description("Lists all clients, by name")
    .option("--json", "print each client on a line")
    .addHelpText("after", aboutJson)
    .action(({ json }: Options) =>
      withDomain(admin, async ({ clients }) => {
        const list = await clients.list("operator");
        if (json) {
          for (const each of list) await writeJson(admin.stdout, each);
          return;
        }
        const rows = list.map((each) => [
          each.id,
          each.kind,
          each.verified ? "verified" : "unverified",
          instant(each.createdAt),
          each.name,
        ]);
        await write(admin.stdout, aligned([["ID", "KIND", "STATE", "CREATED", "NAME"], ...rows]));
      }),
    );

  aboutOne(clientCommand, "show", "Shows a client").action((id: string, { json }: Options) =>
    withDomain(admin, async ({ clients }) => {
      const client = found(await clients.find(id), id);
      await (json ? writeJson(admin.stdout, client) : write(admin.stdout, aligned(fieldsOf(client))));
    }),
  );

  withRegistrationOptions(aboutOne(clientCommand, "update", "Changes the given options, and keeps the others"), admin)
    .option("--name <name>", "what people read when they are asked")
    .addHelpText("after", aboutOperators)
    .addHelpText(
      "after",
      example("npm run lockstep -- client update KDUN… --redirect https://photos.example/signed-in"),
    )
    .action((id: string, options: RegistrationOptions) =>
      withDomain(admin, async ({ clients }) => {
        const before = found(await clients.find(id), id);
        const input = checked({
          name: options.name ?? before.name,
          kind: options.kind ?? before.kind,
          redirectUris: options.redirect ?? before.redirectUris,
          postLogoutRedirectUris: options.postLogout ?? before.postLogoutRedirectUris,
          scopes: options.scope ?? before.scopes,
          uri: options.uri ?? before.uri,
          jwksUri: options.jwksUri ?? before.jwksUri,
          backchannelLogoutUri: options.backchannelLogout ?? before.backchannelLogoutUri,
          requirePushedRequests: options.requirePar ?? before.requirePushedRequests,
          requireDpop: options.requireDpop ?? before.requireDpop,
        });
        checkPkce(!(options.pkce ?? !before.mayOmitPkce), input);
        const updated = found(await clients.update(id, input, "operator", commandLine), id);
        const changed = await withExceptions(clients, updated, options);
        await tell(admin, options, changed, "is changed");
      }),
    );

  for (const verified of [true, false]) {
    const [name, description, now] = verified
      ? ["verify", "Marks a client as verified: users are no longer warned", "is verified"]
      : ["unverify", "Withdraws the verification: users are warned, and asked each time", "is no longer verified"];
    aboutOne(clientCommand, name, description).action((id: string, options: Options) =>
      withDomain(admin, async ({ clients }) => {
        await tell(admin, options, found(await clients.setVerified(id, verified, commandLine), id), now);
      }),
    );
  }

  aboutOne(clientCommand, "rotate-secret", "Replaces a client's secret; the previous one is refused at once")
    .addHelpText("after", aboutSecret)
    .action((id: string, options: Options) =>
      withDomain(admin, async ({ clients }) => {
        const registered = await clients.rotateSecret(id, "operator", commandLine).catch((error: unknown) => {
          if (refusalOf(error)?.code !== "CLIENT_HAS_NO_SECRET") throw error;
          throw new CommandError("failed", engineErrors.CLIENT_HAS_NO_SECRET.message);
        });
        await tellSecret(admin, options, found(registered, id));
      }),
    );

  aboutOne(clientCommand, "delete", "Deletes a client and every grant to it").action((id: string, options: Options) =>
    withDomain(admin, async ({ clients }) => {
      const client = found(await clients.find(id), id);
      await clients.delete(id, "operator", commandLine);
      await tell(admin, options, client, "is deleted, with every grant to it");
    }),
  );
};

const withRegistrationOptions = (command: Command, { app }: AdminProcess) =>
  command
    .addOption(
      new Option("--kind <kind>", "the kind of client (default for new ones: web)").choices(Object.keys(clientKinds)),
    )
    .option("--redirect <uri...>", "where people may be sent back to")
    .option("--post-logout <uri...>", "where people may be sent after signing out")
    .addOption(new Option("--scope <scope...>", "what it may ask for").choices(Object.keys(app.contract.scopes)))
    .option("--uri <https address>", "where people can read about it")
    .option("--jwks-uri <uri>", "where its keys are: it signs, and gets no secret")
    .option("--backchannel-logout <uri>", "the URL that is notified when a user signs out")
    .option("--require-par", "it has to push its requests first (--no-require-par: not)")
    .addOption(new Option("--no-require-par").hideHelp())
    .option("--require-dpop", "its tokens are bound to a key of its own (--no-require-dpop: not)")
    .addOption(new Option("--no-require-dpop").hideHelp())
    .option("--introspect", "a resource server: may ask about tokens of all clients (--no-introspect: not)")
    .addOption(new Option("--no-introspect").hideHelp())
    .option("--pkce", "it has to use PKCE")
    .option("--no-pkce", "it may leave out PKCE (RFC 7636) and must then send a nonce: for clients that know no PKCE")
    .addOption(
      new Option("--assertion-audience <audience>", "whom its signed assertions are addressed to").choices(
        assertionAudiences,
      ),
    )
    .option("--json", "print the client");

/** A command about one client. */
const aboutOne = (parent: Command, name: string, description: string) => {
  const command = parent.command(name).description(description).argument("<id>", "its client_id");
  if (name !== "update") command.option("--json", "print the client");
  return command.addHelpText("after", aboutJson);
};

/** @throws CommandError that says what is invalid */
const checked = (input: unknown): RegisterClientInput => {
  const parsed = RegisterClientInput.safeParse(input);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    ({ path, message }) => `${optionOf[String(path[0])] ?? path.join(".")}: ${message}.`,
  );
  throw new CommandError("usage", `${[...new Set(problems)].join("\n")} See --help.`);
};

/** The options for the properties of a registration. */
const optionOf: Record<string, string> = {
  name: "<name>",
  kind: "--kind",
  uri: "--uri",
  jwksUri: "--jwks-uri",
  backchannelLogoutUri: "--backchannel-logout",
  redirectUris: "--redirect",
  postLogoutRedirectUris: "--post-logout",
  scopes: "--scope",
};

/** RFC 9700 §2.1.1: PKCE is the only protection of a client without authentication. @throws CommandError */
const checkPkce = (omitted: boolean, { kind }: RegisterClientInput) => {
  if (omitted && kind !== "web") throw new CommandError("usage", "--no-pkce requires a client of the kind web.");
};

/** Sets or clears the exceptions that the command names. */
const withExceptions = async (
  clients: Clients,
  client: OAuthClient,
  { introspect, pkce, assertionAudience }: RegistrationOptions,
) => {
  const exceptions: Partial<Exceptions> = {
    ...(introspect !== undefined && { mayIntrospect: introspect }),
    ...(pkce !== undefined && { mayOmitPkce: !pkce }),
    ...(assertionAudience !== undefined && { assertsToTokenEndpoint: assertionAudience === "token-endpoint" }),
  };
  const { mayIntrospect, mayOmitPkce, assertsToTokenEndpoint } = { ...client, ...exceptions };
  const isSame =
    mayIntrospect === client.mayIntrospect &&
    mayOmitPkce === client.mayOmitPkce &&
    assertsToTokenEndpoint === client.assertsToTokenEndpoint;
  if (isSame) return client;
  return found(await clients.setExceptions(client.id, exceptions, commandLine), client.id);
};

const found = <T>(client: T | null, id: string): T => {
  if (client === null) throw new CommandError("notFound", `There is no client ${visible(id)}.`);
  return client;
};

const tell = ({ stdout }: AdminProcess, { json }: Options, client: OAuthClient, whatIsTrueNow: string) =>
  json ? writeJson(stdout, client) : writeLine(stdout, `${visible(client.name)} ${whatIsTrueNow}.`);

const tellSecret = async (
  { stdout }: AdminProcess,
  { json }: Options,
  { client, secret }: RegisteredClient,
): Promise<void> => {
  if (json) return writeJson(stdout, { ...client, secret });
  await write(
    stdout,
    aligned([
      ["client_id", client.id],
      ["client_secret", secret ?? "- (this kind of client has none)"],
    ]),
  );
};

const fieldsOf = (client: OAuthClient) => [
  ["client_id", client.id],
  ["name", client.name],
  ["kind", client.kind],
  ["state", client.verified ? "verified" : "unverified"],
  ["uri", client.uri ?? "-"],
  ["redirect", client.redirectUris.join(" ") || "-"],
  ["post-logout", client.postLogoutRedirectUris.join(" ") || "-"],
  ["scopes", client.scopes.join(" ") || "-"],
  ["jwks-uri", client.jwksUri ?? "-"],
  ["backchannel", client.backchannelLogoutUri ?? "-"],
  [
    "requires",
    [
      client.kind !== "service" && (client.mayOmitPkce ? "nonce" : "PKCE"),
      client.requirePushedRequests && "PAR",
      client.requireDpop && "DPoP",
    ]
      .filter(Boolean)
      .join(" ") || "-",
  ],
  ["assertions to", client.assertsToTokenEndpoint ? "the token endpoint" : "the issuer"],
  ["introspects", client.mayIntrospect ? "tokens of all clients" : "its own tokens"],
  ["created", instant(client.createdAt)],
];

const example = (commandLine: string) => `
Example:
  $ ${commandLine}`;

const aboutKinds = `
Kinds:
${Object.entries(clientKinds)
  .map(([kind, words]) => `  ${kind.padEnd(8)} ${words}`)
  .join("\n")}`;

const aboutOperators = `
When an operator changes a client, it stays verified, and users are not asked for consent again. When the client's
owner changes it on the developer page, it loses its verification and all exceptions.`;

const aboutSecret = `
Only a hash of the secret is stored. It cannot be shown again.`;

const aboutJson = `
A client in JSON: {"id", "name", "kind", "uri", "redirectUris", "postLogoutRedirectUris", "scopes", "jwksUri",
"backchannelLogoutUri", "requirePushedRequests", "requireDpop", "verified", "mayIntrospect", "mayOmitPkce",
"assertsToTokenEndpoint", "createdAt"}; the URLs may be null, "createdAt" is in epoch milliseconds. Exit code 3: the client does not exist.`;
