// Owns the package managers that an app can be used with: how each is recognized and called.

import { existsSync } from "node:fs";
import { join } from "node:path";

export const packageManagers = ["npm", "pnpm"] as const;
export type PackageManager = (typeof packageManagers)[number];

const isPackageManager = (name: string | undefined): name is PackageManager =>
  packageManagers.some((each) => each === name);

/** The package manager that runs this command, from its user agent. Default: npm. */
export const runningPackageManager = (userAgent: string | undefined): PackageManager => {
  const name = userAgent?.split("/")[0];
  return isPackageManager(name) ? name : "npm";
};

/** The package manager whose lockfile the app has. */
export const packageManagerOf = (app: string): PackageManager =>
  existsSync(join(app, "pnpm-lock.yaml")) ? "pnpm" : "npm";

/** Query the registry: the cache may not contain this release yet. */
export const installArguments: Readonly<Record<PackageManager, readonly string[]>> = {
  npm: ["install", "--no-audit", "--no-fund"],
  pnpm: ["install", "--no-frozen-lockfile"],
};

/** Query the registry for a package, once. Without a network, an installation would retry for minutes. */
export const lookUpArguments: Readonly<Record<PackageManager, readonly string[]>> = {
  npm: ["view", "--fetch-retries=0", "--fetch-timeout=20000"],
  pnpm: ["view", "--config.fetch-retries=0", "--config.fetch-timeout=20000"],
};

/** The command that runs a script of the app's package.json. */
export const typedScript = (manager: PackageManager, script: string): string => {
  if (manager === "pnpm") return `pnpm ${script}`;
  return script === "start" || script === "test" ? `npm ${script}` : `npm run ${script}`;
};

/** The beginning of an admin command, before its arguments. */
export const typedAdmin: Readonly<Record<PackageManager, string>> = {
  npm: "npm run lockstep --",
  pnpm: "pnpm lockstep",
};

/** The command that installs what the lockfile says, on a machine that has Node and npm. */
export const typedCleanInstall: Readonly<Record<PackageManager, string>> = {
  npm: "npm ci",
  pnpm: "npx --yes pnpm@12 install --frozen-lockfile",
};
