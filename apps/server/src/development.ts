// Owns what development does for a newcomer, and production never: a secret that makes itself, and the
// tutorial's user.

import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { RegisterApplicationInput } from "@lockstep/contract";
import { type Config, developmentSecretPrefix, loadConfig } from "./config.ts";
import type { Random } from "./domain/environment.ts";
import type { Domain } from "./server.ts";

/** The settings, and a secret in any case: of development when none is set. */
export const loadConfigWithSecret = (
  env: Record<string, string | undefined>,
  root: string,
  random: Random,
): Config & { secret: string } => {
  const config = loadConfig(env, root);
  return { ...config, secret: config.secret ?? developmentSecret(join(root, ".data/secret"), random) };
};

/** The secret in this file, made at the first start. */
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

export const john = { username: "john", password: "secret", email: "john@example.com", fullName: "John Doe" } as const;

/** The demo in the terminal: a third party, whose people come back to a port of their own machine (RFC 8252 §7.3). */
export const demoApplicationId = "lockstep-cli";

/** Makes the demo's application be known. */
export const seedDemoApplication = ({ applications }: Domain): Promise<void> =>
  applications.ensure(
    demoApplicationId,
    RegisterApplicationInput.parse({
      name: "Lockstep in the terminal",
      kind: "native",
      redirectUris: ["http://127.0.0.1/callback"],
      scopes: ["profile:read", "greeting:read"],
    }),
  );

/** Makes the tutorial's user, who has a password that no policy would accept. */
export const seedJohn = async ({ users, passwords }: Domain): Promise<void> => {
  if (await users.findByLogin(john.username)) return;
  await users.create({
    username: john.username,
    email: john.email,
    fullName: john.fullName,
    role: "user",
    passwordHash: await passwords.hash(john.password),
  });
};
