// Owns the declaration of an operation. `access` has no default: leaving it out does not compile.

import { z } from "zod";
import type { Access, Anyone, FirstParty, Scoped } from "./access.ts";

/** The kind of an operation, in tRPC's terms. */
export type OperationKind = "query" | "mutation" | "subscription";

/**
 * One declared operation. For a subscription, `output` is the shape of each event.
 *
 * A schema extends `z.core.SomeType` here and below, not `z.ZodType`: comparing with all of a schema's methods costs
 * the type checker some two thousand instantiations for each operation, and there may be hundreds.
 */
export interface Operation<
  K extends OperationKind = OperationKind,
  I extends z.core.SomeType = z.ZodType,
  O extends z.core.SomeType = z.ZodType,
  A extends Access = Access,
  E extends string = string,
> {
  readonly kind: K;
  readonly summary: string;
  readonly access: A;
  readonly input: I;
  readonly output: O;
  readonly errors: readonly E[];
  readonly credential: boolean;
  readonly rest: RestRoute | null;
}

/**
 * Tells an operation from an area of operations in types, as cheaply as possible.
 * @internal
 */
export interface AnyOperation {
  readonly kind: OperationKind;
}

/**
 * The REST route of an operation. A segment in braces is a property of the input: `/things/{thingId}`. Other segments have
 * letters, digits and `-._~` only.
 */
export interface RestRoute {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: `/${string}`;
}

/** A tree of operations: areas that contain operations. */
export interface Operations {
  readonly [name: string]: Operation | Operations;
}

interface Declaration<I, O, A, E> {
  /** One line in the imperative, for the access table and the API's documentation. */
  readonly summary: string;
  readonly access: A;
  /** Default: the operation has no input. */
  readonly input?: I;
  readonly output: O;
  /** Error codes besides those of every call and of the operation's access. */
  readonly errors?: readonly E[];
  /** Takes a password or a token: two such calls in one batch are refused, so that limits on attempts hold. */
  readonly credential?: boolean;
  /** Default: the operation is called over RPC only. */
  readonly rest?: RestRoute;
}

/** `never` stands for a missing input, and needs no comparison. */
type InputOf<I> = [I] extends [never] ? z.ZodVoid : I;

/** The builder of operations of one kind, with the roles, scopes and errors of one contract. */
export type Declare<K extends OperationKind, S extends string, R extends string, EC extends string> = <
  const A extends Anyone | FirstParty<R> | Scoped<S>,
  O extends z.core.SomeType,
  I extends z.core.SomeType = never,
  const E extends EC = never,
>(
  declaration: Declaration<I, O, A, E>,
) => Operation<K, InputOf<I>, O, A, E>;

/**
 * The builder of declarations of one kind.
 * @internal
 */
export const declare =
  <K extends OperationKind>(kind: K): Declare<K, string, string, string> =>
  ({ summary, access, input, output, errors, credential, rest }) => ({
    kind,
    summary,
    access,
    input: (input ?? z.void()) as InputOf<NonNullable<typeof input>>,
    output,
    errors: errors ?? [],
    credential: credential ?? false,
    rest: rest ?? null,
  });

/**
 * Whether a node of a tree is an operation, not an area.
 * @internal
 */
export const isOperation = (node: Operation | Operations): node is Operation =>
  typeof node.kind === "string" && typeof node.summary === "string";

/**
 * Every operation of a tree with its dotted path, in the order of declaration.
 */
export function* operationsOf(operations: Operations, prefix = ""): Generator<readonly [path: string, Operation]> {
  for (const [name, node] of Object.entries(operations)) {
    const path = prefix + name;
    if (isOperation(node)) yield [path, node];
    else yield* operationsOf(node, `${path}.`);
  }
}

/**
 * The dotted paths of a tree's operations: `"auth.login" | "user.me" | …`.
 * @internal
 */
export type PathOf<C> = {
  [K in keyof C & string]: C[K] extends AnyOperation ? K : `${K}.${PathOf<C[K]>}`;
}[keyof C & string];

/**
 * The operation at a dotted path.
 * @internal
 */
export type OperationAt<C, P extends string> = P extends `${infer Head}.${infer Rest}`
  ? Head extends keyof C
    ? OperationAt<C[Head], Rest>
    : never
  : P extends keyof C
    ? C[P]
    : never;
