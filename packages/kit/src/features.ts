// Owns features: the scopes, errors and operations of one subject, declared together in a file of their own. A page can
// import the schemas beside a feature without the engine's operations: composed-contract.ts joins the two.

import { engineRoles } from "./access.ts";
import { type Vocabulary, vocabulary } from "./contract.ts";
import type { engine } from "./engine.ts";
import { type EngineErrors, type Errors, engineErrors, type ImpliedErrorCode } from "./errors.ts";
import { engineScopes, type Scopes } from "./scopes.ts";

type EngineScopes = typeof engineScopes;
type EngineRoles = typeof engineRoles;
type EngineOperations = typeof engine;

/** The compiler's message for a name that the engine already uses. */
type OwnNames<Engine> = { readonly [Name in keyof Engine]?: "The engine already uses this name. Choose another." };

type None = Record<never, never>;

/** One feature of a contract: the scopes, errors, areas and operations that it adds to the engine's. */
export interface Feature<S extends Scopes = Scopes, E extends Errors = Errors, T = unknown> {
  readonly scopes: S;
  readonly errors: E;
  readonly areas: Readonly<Record<string, string>>;
  readonly operations: T;
}

/** The scopes, errors and areas that a feature declares. */
export interface FeatureWords<S extends Scopes, R extends readonly string[], E extends Errors, Area extends string> {
  /** What a user can grant to a client, with the text of the consent page, such as "Read your notes". */
  readonly scopes?: S;
  /** The feature's own errors. Its operations can name the engine's errors without declaring them again. */
  readonly errors?: E;
  /** The areas of operations, each with a description for the API's documentation. */
  readonly areas: Readonly<Record<Area, string>> & OwnNames<EngineOperations>;
  /** The app's roles, where it has more than the engine's. */
  readonly roles?: R;
}

/**
 * Declares a feature. Its operations can use the engine's scopes and errors besides its own; a name that the engine
 * already uses does not compile.
 * @throws TypeError that names a scope which cannot be used
 *
 * @example
 * ```ts
 * export const notes = defineFeature(
 *   {
 *     areas: { note: "The signed-in user's notes" },
 *     scopes: { "notes:read": "Read your notes" },
 *   },
 *   ({ query, scoped }) => ({
 *     note: {
 *       list: query({ summary: "List your notes", access: scoped("notes:read"), output: z.array(Note) }),
 *     },
 *   }),
 * );
 * ```
 */
/* @__NO_SIDE_EFFECTS__ */
export const defineFeature = <
  T extends object,
  const S extends Scopes & OwnNames<EngineScopes> = None,
  const E extends Errors & OwnNames<EngineErrors> = None,
  const R extends readonly string[] = EngineRoles,
>(
  words: FeatureWords<S, R, E, keyof NoInfer<T> & string>,
  declareOperations: (
    vocabulary: Vocabulary<
      (keyof S | keyof EngineScopes) & string,
      R[number],
      Exclude<(keyof E | keyof EngineErrors) & string, ImpliedErrorCode>
    >,
  ) => T,
): Feature<S, E, T> => {
  const { areas, scopes = {} as S, errors = {} as E, roles = engineRoles as unknown as R } = words; // the types' defaults
  const operations = declareOperations(
    vocabulary({ scopes: { ...engineScopes, ...scopes }, roles, errors: { ...engineErrors, ...errors } }),
  );
  return { scopes, errors, areas, operations };
};
