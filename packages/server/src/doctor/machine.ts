// Owns the checks of what is on this machine: settings, secrets and files.

import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { type Config, loadConfig } from "../config.ts";
import { folderFault, openFiles } from "../db/sqlite-files.ts";
import { developmentSecretFile, john } from "../development.ts";
import { isLoopback } from "../http/page-origins.ts";
import { StartError } from "../start-error.ts";
import { type Outcome, outcomeOf, type Problem } from "./check.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the settings. `config` is `null` when the server would not start with them. */
export const checkSettings = (env: Environment, root: string): { config: Config | null; outcome: Outcome } => {
  try {
    const config = loadConfig(env, root);
    const { production, publicUrl } = config;
    const problems =
      production || publicUrl.startsWith("http:") || isLoopback(publicUrl)
        ? []
        : [
            {
              problem: `NODE_ENV is not \`production\`, and PUBLIC_URL is ${publicUrl}: everybody can sign in there as ${john.username}, with the password of the tutorial.`,
              advice: "Set NODE_ENV=production.",
            },
          ];
    return { config, outcome: outcomeOf(problems, `${production ? "production" : "development"}, ${publicUrl}`) };
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    const problems = error.message
      .split("\n")
      .map((problem) => ({ problem, advice: "Correct the setting (docs/settings.md): the server does not start." }));
    return { config: null, outcome: outcomeOf(problems, "") };
  }
};

/** Whether each secret has a use of its own. That none can be guessed is a rule of the settings. */
export const checkSecrets = ({
  secret,
  previousSecrets,
  pepper,
  previousPeppers,
  metrics,
  registration,
}: Config): Outcome => {
  const tokens = {
    SECRET: secret,
    PEPPER: pepper,
    METRICS_TOKEN: metrics?.token ?? null,
    REGISTRATION_TOKEN: typeof registration === "object" ? registration.token : null,
  };
  const set = Object.entries(tokens).filter(([, value]) => value !== null);
  const twins = set.flatMap(([name, value], index): Problem[] =>
    set.slice(index + 1).flatMap(([other, otherValue]) =>
      value === otherValue
        ? [
            {
              problem: `${name} and ${other} have the same value, so whoever learns one has both.`,
              advice: `Generate another ${other} with \`openssl rand -base64 32\`.${other === "PEPPER" ? " Keep the present one in PEPPER_PREVIOUS." : ""}`,
            },
          ]
        : [],
    ),
  );
  const repeated = [
    { name: "SECRET", current: secret, previous: previousSecrets },
    { name: "PEPPER", current: pepper, previous: previousPeppers },
  ].flatMap(({ name, current, previous }): Problem[] =>
    current !== null && previous.includes(current)
      ? [
          {
            problem: `${name}_PREVIOUS has the present ${name}, so a change of ${name} did not take place.`,
            advice: `Set ${name} to a new value, or remove the present one from ${name}_PREVIOUS.`,
          },
        ]
      : [],
  );
  return outcomeOf([...twins, ...repeated], set.map(([name]) => name).join(", ") || "development creates its own");
};

const octal = (mode: number) => mode.toString(8).padStart(3, "0");

/** Whether others on this machine can read or replace files with secrets. */
export const checkFiles = ({ databaseUrl }: Config, env: Environment, root: string): Outcome => {
  if (process.platform === "win32") return { because: "files of Windows have no modes" };
  const problems: Problem[] = [];
  const narrow = (file: string, mode: number, what: string) =>
    problems.push({
      problem: `Other users of this machine can read ${what} ${file} (mode ${octal(mode)}).`,
      advice: `chmod 600 ${file}, as the user that the server runs as.`,
    });

  const secretFile = developmentSecretFile(root);
  if (existsSync(secretFile)) {
    const mode = statSync(secretFile).mode & 0o777;
    if ((mode & 0o077) !== 0) narrow(secretFile, mode, "the secret of development,");
  }
  const providers = env["PROVIDERS"]?.trim();
  if (providers && !providers.startsWith("{")) {
    const file = resolve(root, providers);
    const mode = statSync(file).mode & 0o777;
    // A group may be how the server's user is allowed to read it.
    if ((mode & 0o007) !== 0) narrow(file, mode, "the secrets of PROVIDERS,");
  }
  if (databaseUrl.startsWith("file:")) {
    const database = databaseUrl.slice("file:".length);
    for (const { file, mode } of openFiles(database)) narrow(file, mode, "the database,");
    const fault = folderFault(database);
    if (fault) problems.push({ problem: `${fault.problem}.`, advice: `${fault.advice}.` });
  }
  return outcomeOf(problems, "only their owner can read them");
};
