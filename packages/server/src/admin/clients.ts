// Owns `lockstep client`: the applications of other people that may ask for access, as an operator manages them.
// What an operator registers is verified; what others registered can be made so.

import {
  type Application,
  type ApplicationKind,
  applicationKinds,
  engineErrors,
  RegisterApplicationInput,
  type RegisteredApplication,
} from "@lockstep/kit";
import { type Command, Option } from "commander";
import type { Applications, Exceptions } from "../domain/applications.ts";
import { commandLine } from "../domain/audit.ts";
import { refusalOf } from "../domain/domain-error.ts";
import { type AdminProcess, CommandError, withDomain } from "./command.ts";
import { aligned, instant, visible, write, writeJson, writeLine } from "./output.ts";

interface Options {
  readonly json?: true;
}

interface RegistrationOptions extends Options {
  readonly name?: string;
  readonly kind?: ApplicationKind;
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
  const client = program.command("client").description("The applications of others that may ask people for access");

  withRegistrationOptions(
    client
      .command("create")
      .description("Registers an application, verified; its secret is shown once")
      .argument("<name>", "what people read when they are asked"),
    admin,
  )
    .addHelpText("after", aboutKinds)
    .addHelpText("after", aboutSecret)
    .addHelpText(
      "after",
      example(
        `pnpm lockstep client create "Photo app" --redirect https://photos.example/callback --scope profile:read`,
      ),
    )
    .action((name: string, options: RegistrationOptions) =>
      withDomain(admin, async ({ applications }) => {
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
        const registered = await applications.register(input, "operator", commandLine);
        const application = await withExceptions(applications, registered.application, options);
        await tellSecret(admin, options, { ...registered, application });
      }),
    );

  client
    .command("list")
    .description("Lists all applications, by name")
    .option("--json", "print each application on a line")
    .addHelpText("after", aboutJson)
    .action(({ json }: Options) =>
      withDomain(admin, async ({ applications }) => {
        const list = await applications.list("operator");
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

  aboutOne(client, "show", "Shows an application").action((id: string, { json }: Options) =>
    withDomain(admin, async ({ applications }) => {
      const application = found(await applications.find(id), id);
      await (json ? writeJson(admin.stdout, application) : write(admin.stdout, aligned(fieldsOf(application))));
    }),
  );

  withRegistrationOptions(aboutOne(client, "update", "Changes what is given, and leaves the rest"), admin)
    .option("--name <name>", "what people read when they are asked")
    .addHelpText("after", aboutOperators)
    .addHelpText("after", example("pnpm lockstep client update KDUN… --redirect https://photos.example/signed-in"))
    .action((id: string, options: RegistrationOptions) =>
      withDomain(admin, async ({ applications }) => {
        const before = found(await applications.find(id), id);
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
        const updated = found(await applications.update(id, input, "operator", commandLine), id);
        const changed = await withExceptions(applications, updated, options);
        await tell(admin, options, changed, "is changed");
      }),
    );

  for (const verified of [true, false]) {
    const [name, description, now] = verified
      ? ["verify", "Vouches for an application: people are no longer warned of it", "is verified"]
      : ["unverify", "Takes that back: people are warned, and asked each time", "is no longer verified"];
    aboutOne(client, name, description).action((id: string, options: Options) =>
      withDomain(admin, async ({ applications }) => {
        await tell(admin, options, found(await applications.setVerified(id, verified, commandLine), id), now);
      }),
    );
  }

  aboutOne(client, "rotate-secret", "Gives an application another secret; the one before ends at once")
    .addHelpText("after", aboutSecret)
    .action((id: string, options: Options) =>
      withDomain(admin, async ({ applications }) => {
        const registered = await applications.rotateSecret(id, "operator", commandLine).catch((error: unknown) => {
          if (refusalOf(error)?.code !== "CLIENT_HAS_NO_SECRET") throw error;
          throw new CommandError("failed", engineErrors.CLIENT_HAS_NO_SECRET.message);
        });
        await tellSecret(admin, options, found(registered, id));
      }),
    );

  aboutOne(client, "delete", "Deletes an application, and every access that it was granted").action(
    (id: string, options: Options) =>
      withDomain(admin, async ({ applications }) => {
        const application = found(await applications.find(id), id);
        await applications.delete(id, "operator", commandLine);
        await tell(admin, options, application, "is deleted, and every access that it was granted has ended");
      }),
  );
};

const withRegistrationOptions = (command: Command, { app }: AdminProcess) =>
  command
    .addOption(new Option("--kind <kind>", "what it is (new ones: web)").choices(Object.keys(applicationKinds)))
    .option("--redirect <uri...>", "where people may be sent back to")
    .option("--post-logout <uri...>", "where people may be sent after signing out")
    .addOption(new Option("--scope <scope...>", "what it may ask for").choices(Object.keys(app.contract.scopes)))
    .option("--uri <https address>", "where people can read about it")
    .option("--jwks-uri <uri>", "where its keys are: it signs, and gets no secret")
    .option("--backchannel-logout <uri>", "where it is told that a person has signed out")
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
    .option("--json", "print the application");

/** A command about one application. */
const aboutOne = (client: Command, name: string, description: string) => {
  const command = client.command(name).description(description).argument("<id>", "its client_id");
  if (name !== "update") command.option("--json", "print the application");
  return command.addHelpText("after", aboutJson);
};

/** @throws CommandError that says what is wrong with it. */
const checked = (input: unknown): RegisterApplicationInput => {
  const parsed = RegisterApplicationInput.safeParse(input);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    ({ path, message }) => `${optionOf[String(path[0])] ?? path.join(".")}: ${message}.`,
  );
  throw new CommandError("usage", `${[...new Set(problems)].join("\n")} See --help.`);
};

/** How the fields of a registration are called on the command line. */
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

/** RFC 9700 §2.1.1: PKCE is all that protects a client that proves nothing. @throws CommandError */
const checkPkce = (omitted: boolean, { kind }: RegisterApplicationInput) => {
  if (omitted && kind !== "web")
    throw new CommandError("usage", "--no-pkce: only a client of the kind web may do that.");
};

/** Makes the exceptions that the command names, or takes them back. */
const withExceptions = async (
  applications: Applications,
  application: Application,
  { introspect, pkce, assertionAudience }: RegistrationOptions,
) => {
  const exceptions: Partial<Exceptions> = {
    ...(introspect !== undefined && { mayIntrospect: introspect }),
    ...(pkce !== undefined && { mayOmitPkce: !pkce }),
    ...(assertionAudience !== undefined && { assertsToTokenEndpoint: assertionAudience === "token-endpoint" }),
  };
  const { mayIntrospect, mayOmitPkce, assertsToTokenEndpoint } = { ...application, ...exceptions };
  const isSame =
    mayIntrospect === application.mayIntrospect &&
    mayOmitPkce === application.mayOmitPkce &&
    assertsToTokenEndpoint === application.assertsToTokenEndpoint;
  if (isSame) return application;
  return found(await applications.setExceptions(application.id, exceptions, commandLine), application.id);
};

const found = <T>(application: T | null, id: string): T => {
  if (application === null) throw new CommandError("notFound", `There is no application ${visible(id)}.`);
  return application;
};

const tell = ({ stdout }: AdminProcess, { json }: Options, application: Application, whatIsTrueNow: string) =>
  json ? writeJson(stdout, application) : writeLine(stdout, `${visible(application.name)} ${whatIsTrueNow}.`);

const tellSecret = async (
  { stdout }: AdminProcess,
  { json }: Options,
  { application, secret }: RegisteredApplication,
): Promise<void> => {
  if (json) return writeJson(stdout, { ...application, secret });
  await write(
    stdout,
    aligned([
      ["client_id", application.id],
      ["client_secret", secret ?? "- (an application of this kind keeps none)"],
    ]),
  );
};

const fieldsOf = (application: Application) => [
  ["client_id", application.id],
  ["name", application.name],
  ["kind", application.kind],
  ["state", application.verified ? "verified" : "unverified"],
  ["uri", application.uri ?? "-"],
  ["redirect", application.redirectUris.join(" ") || "-"],
  ["post-logout", application.postLogoutRedirectUris.join(" ") || "-"],
  ["scopes", application.scopes.join(" ") || "-"],
  ["jwks-uri", application.jwksUri ?? "-"],
  ["backchannel", application.backchannelLogoutUri ?? "-"],
  [
    "requires",
    [
      application.kind !== "service" && (application.mayOmitPkce ? "nonce" : "PKCE"),
      application.requirePushedRequests && "PAR",
      application.requireDpop && "DPoP",
    ]
      .filter(Boolean)
      .join(" ") || "-",
  ],
  ["assertions to", application.assertsToTokenEndpoint ? "the token endpoint" : "the issuer"],
  ["introspects", application.mayIntrospect ? "tokens of all clients" : "its own tokens"],
  ["created", instant(application.createdAt)],
];

const example = (commandLine: string) => `
Example:
  $ ${commandLine}`;

const aboutKinds = `
Kinds:
${Object.entries(applicationKinds)
  .map(([kind, words]) => `  ${kind.padEnd(8)} ${words}`)
  .join("\n")}`;

const aboutOperators = `
What an operator changes, an operator vouches for: a verified client stays verified, and nobody is asked again. A change
by the client's owner, on the developer page, takes verification and all exceptions away.`;

const aboutSecret = `
Only a hash of the secret is kept: it cannot be shown again.`;

const aboutJson = `
An application in JSON: {"id", "name", "kind", "uri", "redirectUris", "postLogoutRedirectUris", "scopes", "jwksUri",
"backchannelLogoutUri", "requirePushedRequests", "requireDpop", "verified", "mayIntrospect", "mayOmitPkce", "assertsToTokenEndpoint", "createdAt"}; the addresses may be null,
"createdAt" is in epoch milliseconds. Exit code 3: there is no such application.`;
