// Owns the names of an app: the package's name, which is that of the folder, and the display name.

import { basename } from "node:path";
import validatePackageName from "validate-npm-package-name";
import { Refusal } from "./refusal.ts";

/** The name of the app's package. @throws Refusal when npm does not accept it */
export const packageNameOf = (folder: string, taken: readonly string[]): string => {
  const name = basename(folder);
  const { validForNewPackages, errors = [], warnings = [] } = validatePackageName(name);
  if (!validForNewPackages) throw unusable(name, [...errors, ...warnings][0] ?? "npm refuses it");
  // npm cannot install a package into itself.
  if (taken.includes(name)) throw unusable(name, "it is the name of a package that the app uses");
  return name;
};

const unusable = (name: string, reason: string) =>
  new Refusal(`“${name}” cannot be an app's name: ${reason}. Choose another folder, such as my-app.`);

/** `my-app` → `My app`: the default display name. */
export const displayNameOf = (folder: string): string => {
  const words = basename(folder)
    .replaceAll(/[-_.~]+/g, " ")
    .trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
};

const maxDisplayNameLength = 60;

/** Why a display name is invalid; `null`: it is valid. */
export const displayNameFault = (name: string): string | null => {
  if (name.trim() === "") return "The app's name is empty.";
  if (name.length > maxDisplayNameLength)
    return `The app's name has ${name.length} characters. The maximum is ${maxDisplayNameLength}.`;
  if (/[\p{C}<>]/u.test(name)) return "The app's name contains a control character, < or >.";
  return null;
};
