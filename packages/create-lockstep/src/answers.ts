// Owns the options of a new app: each comes from a flag, from a prompt in a terminal, or is the default.

import { resolve } from "node:path";
import { parseArgs } from "node:util";
import type { AppOptions } from "./create.ts";
import { assertUsable, interrupted } from "./create.ts";
import { displayNameFault, displayNameOf, packageNameOf } from "./names.ts";
import { needsNode, runningNode } from "./node-version.ts";
import { packageManagers, runningPackageManager } from "./package-manager.ts";
import { exitCodes, Refusal } from "./refusal.ts";
import { type Variant, variants } from "./template.ts";
import type { World } from "./world.ts";

const on = { type: "boolean" } as const;
const flags = {
  name: { type: "string" },
  example: on,
  empty: on,
  "package-manager": { type: "string" },
  "no-install": on,
  "no-git": on,
  "pin-node": on,
  "no-pin-node": on,
  yes: { type: "boolean", short: "y" },
} as const;

export const createUsage = `Usage: npm create lockstep@latest [folder] -- [options]

Creates a Lockstep app in a new folder. In a terminal, it asks for options that are not given.

  --name <name>            the product's name, on pages and in mails (default: from the folder's name)
  --example                with notes as an example feature (the default)
  --empty                  with accounts and sign-in only
  --package-manager <pm>   npm or pnpm (default: the one that runs this command)
  --no-install             does not install packages
  --no-git                 does not create a Git repository
  --pin-node               includes Node 24 as a package (glibc Linux; default where Node is older)
  --no-pin-node            uses the machine's own Node
  -y, --yes                uses the defaults without asking
  --version, --help`;

/** @throws Refusal when an option or an answer is invalid */
export const answersOf = async (
  argv: readonly string[],
  world: World,
  taken: readonly string[],
): Promise<AppOptions> => {
  const { values, positionals } = parse(argv);
  if (positionals.length > 1) throw usage(`Name one folder, not ${positionals.length}: ${positionals.join(", ")}.`);
  if (values.example && values.empty) throw usage("Choose one of --example and --empty.");
  if (values["pin-node"] && values["no-pin-node"]) throw usage("Choose one of --pin-node and --no-pin-node.");
  // A terminal without cursor movement can't show the prompts: they would wait for ever.
  const asks = world.stdin.isTTY === true && world.env["TERM"] !== "dumb" && values.yes !== true;

  const folderOf = (text: string) => resolve(world.directory, text.trim());
  const given = positionals[0] ?? (asks ? await askFolder(world, folderOf, taken) : undefined);
  if (given === undefined) throw usage("Name a folder: npm create lockstep@latest my-app");
  const folder = folderOf(given);
  const packageName = packageNameOf(folder, taken);
  await assertUsable(folder);

  const name = values.name ?? (asks ? await askName(world, displayNameOf(folder)) : displayNameOf(folder));
  const fault = displayNameFault(name);
  if (fault) throw new Refusal(`${fault} Give another: --name "My app"`);

  const variant = variantOf(values) ?? (asks ? await askVariant(world) : "example");
  const packageManager = packageManagers.find((each) => each === values["package-manager"]);
  if (values["package-manager"] !== undefined && packageManager === undefined)
    throw usage(`--package-manager must be ${packageManagers.join(" or ")}.`);

  return {
    folder,
    packageName,
    name: name.trim(),
    variant,
    packageManager: packageManager ?? runningPackageManager(world.env["npm_config_user_agent"]),
    install: !values["no-install"],
    git: !values["no-git"],
    pinNode: values["pin-node"] ?? (values["no-pin-node"] ? false : needsNode(runningNode())),
  };
};

const parse = (argv: readonly string[]) => {
  try {
    return parseArgs({ args: [...argv], options: flags, allowPositionals: true });
  } catch (error) {
    // Node's own message, without its advice on positional arguments.
    const [sentence = ""] = (error as Error).message.split(/\.(?= |$)/);
    throw usage(`${sentence}.`);
  }
};

const usage = (message: string) => new Refusal(`${message} See --help.`, exitCodes.usage);

const variantOf = ({ example, empty }: { example?: boolean; empty?: boolean }): Variant | undefined => {
  if (example) return "example";
  return empty ? "empty" : undefined;
};

/** The answer of a prompt. @throws Refusal after Ctrl-C */
const answered = async <T>(prompt: Promise<T>): Promise<Exclude<T, symbol>> => {
  const { isCancel } = await import("@clack/prompts");
  const answer = await prompt;
  if (isCancel(answer)) throw interrupted();
  return answer as Exclude<T, symbol>; // a prompt returns only one symbol, which `isCancel` checks
};

const askFolder = async (
  { stdin: input, stdout: output }: World,
  folderOf: (text: string) => string,
  taken: readonly string[],
): Promise<string> => {
  const { text } = await import("@clack/prompts");
  return answered(
    text({
      message: "In which folder?",
      initialValue: "my-app",
      validate: (value) => {
        try {
          packageNameOf(folderOf(value ?? ""), taken);
          return undefined;
        } catch (error) {
          return (error as Error).message;
        }
      },
      input,
      output,
    }),
  );
};

const askName = async ({ stdin: input, stdout: output }: World, initialValue: string): Promise<string> => {
  const { text } = await import("@clack/prompts");
  return answered(
    text({
      message: "What is the product's name, on pages and in mails?",
      initialValue,
      validate: (value) => displayNameFault(value ?? "") ?? undefined,
      input,
      output,
    }),
  );
};

const askVariant = async ({ stdin: input, stdout: output }: World): Promise<Variant> => {
  const { select } = await import("@clack/prompts");
  const labels: Readonly<Record<Variant, string>> = {
    example: "With notes as an example feature",
    empty: "Empty, with accounts and sign-in only",
  };
  return answered(
    select<Variant>({
      message: "What should the app start with?",
      options: variants.map((value) => ({ value, label: labels[value] })),
      input,
      output,
    }),
  );
};
