// Owns how an app's contract is composed of the engine's operations and the app's features.

import { engineRoles } from "./access.ts";
import { type Contract, defineContract } from "./contract.ts";
import { engine, engineAreas } from "./engine.ts";
import { type EngineErrors, type ErrorDeclaration, engineErrors } from "./errors.ts";
import type { Feature } from "./features.ts";
import { engineScopes } from "./scopes.ts";

type Each<F extends readonly unknown[], Part extends keyof Feature> = F extends readonly [infer First, ...infer Others]
  ? (First extends Readonly<Record<Part, infer Words>> ? Words : never) & Each<Others, Part>
  : unknown;

/** One object type in place of an intersection of several, for what extends `Kind`. */
type Flat<T, Kind = unknown> = { readonly [Name in keyof T]: Extract<T[Name], Kind> };

/** The type of a contract with the engine's operations and the features `F`. */
export type ComposedContract<F extends readonly Feature[], R extends readonly string[]> = Contract<
  Flat<typeof engineScopes & Each<F, "scopes">, string>,
  R,
  Flat<EngineErrors & Each<F, "errors">, ErrorDeclaration>,
  Flat<typeof engine & Each<F, "operations">>
>;

/**
 * Composes the contract of an app: the engine's operations and those of its features.
 * @throws TypeError that names a scope, error or area which two of them declare
 *
 * @example
 * ```ts
 * export const contract = composeContract({ features: [notes, bookmarks] });
 * export type AppRouter = RouterOf<typeof contract>;
 * ```
 */
/* @__NO_SIDE_EFFECTS__ */
export const composeContract = <
  const F extends readonly Feature[],
  const R extends readonly string[] = typeof engineRoles,
>({
  features,
  roles = engineRoles as unknown as R, // the type's default
}: {
  readonly features: F;
  /** The roles of users, from least to most powerful. Default: `user` and `admin`. */
  readonly roles?: R;
}): ComposedContract<F, R> => {
  const words = {
    roles,
    scopes: join("scope", engineScopes, features, "scopes"),
    errors: join("error", engineErrors, features, "errors"),
    areas: join("area", engineAreas, features, "areas"),
  };
  // `ComposedContract` is what `join` puts together, written out. Comparing the two would cost as much as 200 operations.
  return defineContract(words as never, () => join("area", engine, features, "operations")) as never;
};

const join = (
  kind: "scope" | "error" | "area",
  engines: object,
  features: readonly Feature[],
  part: keyof Feature,
): object => {
  // A map, since `__proto__` cannot be assigned as a property.
  const joined = new Map<string, unknown>(Object.entries(engines));
  for (const feature of features) {
    for (const [name, declared] of Object.entries(feature[part] as object)) {
      if (Object.hasOwn(engines, name))
        throw new TypeError(
          `A feature declares the ${kind} ${name}, which is one of the engine's. Give it another name.`,
        );
      if (joined.has(name))
        throw new TypeError(`Two features declare the ${kind} ${name}. Give one of them another name.`);
      joined.set(name, declared);
    }
  }
  return Object.fromEntries(joined);
};
