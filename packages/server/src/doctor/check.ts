// Owns what the checks of `lockstep doctor` have in common: their names, in the order in which they run, and what one can
// say.

/** A closed list: scripts rely on it. */
export const checkNames = [
  "settings",
  "secrets",
  "files",
  "database",
  "schema",
  "clock",
  "news",
  "keys",
  "passwords",
  "clients",
  "mail",
  "providers",
  "public-url",
  "proxy",
  "cookies",
] as const;

export type CheckName = (typeof checkNames)[number];

export interface Problem {
  /** What is wrong, in a sentence. Never has a secret. */
  readonly problem: string;
  /** What to do about it, in a sentence or two. */
  readonly advice: string;
}

/** What a check says: what is as it should be, what is not, or why it did not look. */
export type Outcome =
  | { readonly found: string }
  | { readonly problems: readonly [Problem, ...Problem[]] }
  | { readonly because: string };

/** The problems, or what was found if there are none. */
export const outcomeOf = ([first, ...others]: readonly Problem[], found: string): Outcome =>
  first ? { problems: [first, ...others] } : { found };
