// Owns contracts: an app's scopes, roles and errors, and the operations that may use them. Nothing is registered
// globally, so one program can talk to two backends.

import { z } from "zod";
import { type Anyone, anyone, type DeclareFirstParty, type DeclareScoped, firstParty, scoped } from "./access.ts";
import type { Errors, ImpliedErrorCode } from "./errors.ts";
import {
  type Declare,
  declare,
  isOperation,
  type OperationAt,
  type Operations,
  operationsOf,
  type PathOf,
} from "./operation.ts";
import { identityScopes, type Scopes, scopeNamePattern } from "./scopes.ts";

/** The scopes, roles, errors and areas that operations are declared with. */
export interface Words<
  S extends Scopes = Scopes,
  R extends readonly string[] = readonly string[],
  E extends Errors = Errors,
> {
  /** The scopes that a user can grant a client, with their text on the consent page. */
  readonly scopes: S;
  /** The roles of users, from least to most powerful. An operation's role also admits the more powerful ones. */
  readonly roles: R;
  readonly errors: E;
  /** The areas of operations, each with a description for the API's documentation. */
  readonly areas?: Readonly<Record<string, string>>;
}

/** The builders that declare operations with the words of one contract. Other words do not compile. */
export interface Vocabulary<S extends string, R extends string, E extends string> {
  /** Reads data. */
  readonly query: Declare<"query", S, R, E>;
  /** Changes data. */
  readonly mutation: Declare<"mutation", S, R, E>;
  /** Sends events until either side ends it. */
  readonly subscription: Declare<"subscription", S, R, E>;
  readonly anyone: Anyone;
  readonly firstParty: DeclareFirstParty<R>;
  readonly scoped: DeclareScoped<S>;
}

/** A contract: its words, and the operations that use them. */
export interface Contract<S extends Scopes, R extends readonly string[], E extends Errors, T> extends Words<S, R, E> {
  readonly operations: T;
}

/** Any contract. For code that works with all of them. */
export type AnyContract = Contract<Scopes, readonly string[], Errors, Operations>;

/** The names of a contract's scopes. */
export type ScopeOf<C extends Pick<AnyContract, "scopes">> = keyof C["scopes"] & string;

/** The dotted paths of a contract's operations. */
export type PathIn<C extends { readonly operations: unknown }> = PathOf<C["operations"]>;

/** The operation of a contract at a dotted path. */
export type OperationIn<C extends { readonly operations: unknown }, P extends string> = OperationAt<C["operations"], P>;

/**
 * The builders that declare operations with `words`.
 * @internal
 */
export const vocabulary = <const S extends Scopes, const R extends readonly string[], const E extends Errors>(
  _words: Words<S, R, E>,
): Vocabulary<keyof S & string, R[number], Exclude<keyof E & string, ImpliedErrorCode>> => ({
  query: declare("query"),
  mutation: declare("mutation"),
  subscription: declare("subscription"),
  anyone,
  firstParty: firstParty as DeclareFirstParty<R[number]>,
  scoped,
});

/**
 * Declares a contract from words and operations. Most apps use `composeContract`.
 * @throws TypeError that names an invalid scope, role or error, or two operations with the same REST path
 *
 * @example
 * ```ts
 * export const contract = defineContract(
 *   {
 *     scopes: { ...engineScopes, "notes:read": "Read your notes" },
 *     roles: engineRoles,
 *     errors: { ...engineErrors, NOTE_NOT_FOUND: { status: 404, message: "There is no such note.", details: z.object({}) } },
 *   },
 *   ({ query, scoped }) => ({
 *     ...engine,
 *     note: {
 *       list: query({ summary: "List your notes", access: scoped("notes:read"), output: z.array(Note) }),
 *     },
 *   }),
 * );
 * export type AppRouter = RouterOf<typeof contract>;
 * ```
 */
export const defineContract = <
  const S extends Scopes,
  const R extends readonly string[],
  const E extends Errors,
  T extends object,
>(
  words: Words<S, R, E>,
  declareOperations: (
    vocabulary: Vocabulary<keyof S & string, R[number], Exclude<keyof E & string, ImpliedErrorCode>>,
  ) => T,
): Contract<S, R, E, T> => {
  const contract = { ...words, operations: declareOperations(vocabulary(words)) };
  assertWords(contract as unknown as AnyContract); // `T` does not extend `Operations`, which would cost as much as all the rest
  return contract;
};

const codePattern = /^[A-Z][A-Z\d]*(_[A-Z\d]+)*$/;

/** In a URL of RPC, a dot separates names and a comma calls: `"user.me"` would be the `me` of `user`. */
const assertNames = (operations: Operations): void => {
  for (const [name, node] of Object.entries(operations)) {
    if (!/^[a-z][a-z\d]*$/i.test(name))
      throw new TypeError(`${JSON.stringify(name)} is no name for an area or operation. Write letters and digits.`);
    if (!isOperation(node)) assertNames(node);
  }
};

/** Characters that no URL escapes (RFC 3986 §2.3). Routers give others a meaning, such as `:`, `*` and `?`. */
const restPathPattern = /^(\/([\w.~-]+|\{[a-z][a-z\d]*\}))+$/i;

const assertRestPath = (operation: string, path: string, input: z.core.SomeType): void => {
  if (!restPathPattern.test(path))
    throw new TypeError(
      `${operation} has the REST path ${path}. Write segments of letters, digits and -._~ or a name in braces, such as /api/notes/{noteId}.`,
    );
  const names: readonly string[] = path.match(/\{\w+\}/g) ?? [];
  const repeated = names.find((name, place) => names.indexOf(name) !== place);
  if (repeated !== undefined) throw new TypeError(`${operation} has ${repeated} twice in its REST path ${path}.`);
  const properties = propertiesOf(input);
  const unknown = properties && names.find((name) => !properties.includes(name.slice(1, -1)));
  if (unknown)
    throw new TypeError(`${operation} has ${unknown} in its REST path ${path}, but its input has no such property.`);
};

/** The properties that an input can have. `null`: its schema does not list them. */
const propertiesOf = (input: z.core.SomeType): readonly string[] | null => {
  if (input instanceof z.core.$ZodVoid) return [];
  return input instanceof z.core.$ZodObject && !input._zod.def.catchall ? Object.keys(input._zod.def.shape) : null;
};

/** Checks what the types cannot check, for example in a contract that is made from parts of another. */
const assertWords = ({ scopes, roles, errors, operations }: AnyContract): void => {
  for (const [name, words] of Object.entries(scopes)) {
    if (!scopeNamePattern.test(name))
      throw new TypeError(
        `The scope ${JSON.stringify(name)} has a character that OAuth does not allow (RFC 6749 §3.3).`,
      );
    if (Object.hasOwn(identityScopes, name))
      throw new TypeError(`The scope ${name} is one of OpenID Connect. Choose another name.`);
    if (words.trim() === "") throw new TypeError(`The scope ${name} has no words for the consent page.`);
  }
  assertNames(operations);
  for (const code of Object.keys(errors)) {
    if (!codePattern.test(code)) throw new TypeError(`The error ${JSON.stringify(code)} is not in SCREAMING_SNAKE.`);
  }
  for (const [path, { access, input, errors: codes, rest }] of operationsOf(operations)) {
    if (rest !== null) assertRestPath(path, rest.path, input);
    const unknownScope = access.kind === "scoped" && access.scopes.find((name) => !Object.hasOwn(scopes, name));
    if (unknownScope) throw new TypeError(`${path} needs the scope ${unknownScope}, which the contract does not have.`);
    if (access.kind === "firstParty" && access.role !== undefined && !roles.includes(access.role))
      throw new TypeError(`${path} needs the role ${access.role}, which the contract does not have.`);
    const unknownCode = codes.find((code) => !Object.hasOwn(errors, code));
    if (unknownCode) throw new TypeError(`${path} names the error ${unknownCode}, which the contract does not have.`);
  }
};
