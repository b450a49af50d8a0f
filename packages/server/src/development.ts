// Owns what only development does: creating a secret, and the tutorial's user.

import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { RegisterClientInput } from "@lockstep/kit";
import type { App } from "./app.ts";
import type { Domain } from "./compose-domain.ts";
import { type Config, developmentSecretPrefix, loadConfig } from "./config.ts";
import type { Random } from "./domain/kernel/environment.ts";

/** The settings with a secret; development creates one when none is set. */
export const loadConfigWithSecret = (
  env: Record<string, string | undefined>,
  root: string,
  random: Random,
): Config & { secret: string } => {
  const config = loadConfig(env, root);
  return { ...config, secret: config.secret ?? developmentSecret(developmentSecretFile(root), random) };
};

/** The file with the secret of development. */
export const developmentSecretFile = (root: string): string => join(root, ".data/secret");

/** The secret of the settings, or the one of development if it has been created. `null`: there is none yet. */
export const knownSecret = ({ secret }: Config, root: string): string | null => {
  const file = developmentSecretFile(root);
  return secret ?? (existsSync(file) ? readFileSync(file, "utf8").trim() : null);
};

/** The secret in this file, created at the first start. */
const developmentSecret = (file: string, random: Random): string => {
  if (existsSync(file)) {
    chmodSync(file, 0o600);
    return readFileSync(file, "utf8").trim();
  }
  const secret = developmentSecretPrefix + Buffer.from(random(32)).toString("base64url");
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, `${secret}\n`, { mode: 0o600 });
  return secret;
};

/** The user of development and tests. Production has none. */
export const john = { username: "john", password: "secret", email: "john@example.com", fullName: "John Doe" } as const;

/** Creates the tutorial's user and the app's development clients. */
export const seedDevelopment = async (domain: Domain, { developmentClients = {} }: App): Promise<void> => {
  await seedJohn(domain);
  for (const [id, client] of Object.entries(developmentClients))
    await domain.clients.ensure(id, RegisterClientInput.parse(client));
};

/** Creates the tutorial's user, whose password no policy would accept. */
export const seedJohn = async ({ users, passwords }: Domain): Promise<void> => {
  if (await users.findByLogin(john.username)) return;
  await users.create({
    username: john.username,
    email: john.email,
    emailProof: "mail",
    fullName: john.fullName,
    role: "user",
    passwordHash: await passwords.hash(john.password),
  });
};
