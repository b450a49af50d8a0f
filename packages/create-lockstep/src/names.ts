// Owns which names an app can have: its package's, which is that of its folder, and the one that people read.

import { basename } from "node:path";
import validatePackageName from "validate-npm-package-name";
import { Refusal } from "./refusal.ts";

/** The name of the app's package. @throws Refusal when npm accepts no package of that name. */
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

/** `my-app` → `My app`: what people read, unless another name is given. */
export const displayNameOf = (folder: string): string => {
  const words = basename(folder)
    .replaceAll(/[-_.~]+/g, " ")
    .trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
};

const maxDisplayNameLength = 60;

/** What is wrong with a name for people, or `null`. */
export const displayNameFault = (name: string): string | null => {
  if (name.trim() === "") return "The app's name is empty.";
  if (name.length > maxDisplayNameLength)
    return `The app's name has ${name.length} characters. ${maxDisplayNameLength} are the most.`;
  if (/[\p{C}<>]/u.test(name)) return "The app's name contains a control character, < or >.";
  return null;
};
