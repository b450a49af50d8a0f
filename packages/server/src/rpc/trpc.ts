// Owns how a declared operation becomes a tRPC procedure (guard, then input, then handler, then output cut to its
// schema), and how a contract becomes a router.

import {
  type Access,
  accessErrorCodesOf,
  type EngineErrors,
  type Errors,
  engineErrors,
  isOperation,
  notPlainText,
  type Operation,
  type OperationKind,
  type Operations,
  type ProcedureOf,
  type RecordOf,
  type RoutedContract,
  type RouterOf,
} from "@lockstep/kit";
import { initTRPC, TRPCError } from "@trpc/server";
import type { z } from "zod";
import { DomainError, RefusedError, refusalOf } from "../domain/kernel/domain-error.ts";
import type { PrincipalFor } from "../domain/tokens/guard.ts";
import { StartError } from "../start-error.ts";
import type { Context } from "./context.ts";
import { asTrpcError, errorShape, refusalFrom } from "./errors.ts";
import { type ObserveCall, observed } from "./observed.ts";
import { unstorableTextIn } from "./unstorable-input.ts";

const t = initTRPC
  .context<Context>()
  .meta<{ operation: Operation }>()
  .create({
    isDev: false,
    sse: {
      // Proxies close silent connections; clients reconnect when even the ping is missing.
      ping: { enabled: true, intervalMs: 25_000 },
      client: { reconnectAfterInactivityMs: 40_000 },
    },
    errorFormatter: ({ error, ctx, path }) => errorShape(refusalFrom(error), ctx?.requestId ?? "", path),
  });

/** The argument of a handler. */
interface Call<Es extends Errors, Op extends Operation> {
  readonly ctx: Context & { readonly principal: PrincipalFor<Op["access"]> };
  readonly input: z.output<Op["input"]>;
  readonly signal: AbortSignal | undefined;
  /** Refuses the call with an error that the operation names. */
  readonly refuse: Refuse<Es, Op["errors"][number]>;
}

type Refuse<Es extends Errors, Code extends string> = <C extends Code & keyof Es>(
  code: C,
  ...details: Record<string, never> extends z.input<Es[C]["details"]> ? [] : [details: z.input<Es[C]["details"]>]
) => never;

/** The part of tRPC's resolver options that is used here. */
interface ResolverCall {
  readonly ctx: Context;
  readonly getRawInput: () => Promise<unknown>;
  readonly signal: AbortSignal | undefined;
}

type Answer<Op extends Operation> = Op["kind"] extends "subscription"
  ? AsyncIterable<z.input<Op["output"]>>
  : z.input<Op["output"]> | Promise<z.input<Op["output"]>>;

/** A procedure that knows at compile time which operation it implements. */
export type Implemented<Es extends Errors, Op> = ProcedureOf<{ errors: Es; operations: unknown }, Op> & {
  readonly implements?: Op;
};

/** Starts the implementation of a declared operation: `implement(operations.user.me).handle(({ ctx }) => …)`. */
export type Implement<Es extends Errors> = <Op extends Operation>(
  operation: Op,
) => { handle(handler: (call: Call<Es, Op>) => Answer<Op>): Implemented<Es, Op> };

/** Creates `implement` for operations whose errors are among `errors`. */
export const createImplement =
  <Es extends Errors>(errors: Es): Implement<Es> =>
  <Op extends Operation>(operation: Op) => ({
    handle(handler: (call: Call<Es, Op>) => Answer<Op>): Implemented<Es, Op> {
      const refuse = (code: string, details: unknown = {}): never => {
        const declaration = errors[code];
        if (!declaration) throw new Error(`The contract has no error ${code}`);
        throw new RefusedError(code, declaration, details);
      };
      // Everything happens in the resolver: for each middleware and parser, tRPC would copy the whole call. A resolver
      // gets `getRawInput` too, though its type does not say so.
      const answer = async ({ ctx, getRawInput, signal }: ResolverCall): Promise<unknown> => {
        try {
          if (operation.credential && ctx.credentialCalls > 1) throw new DomainError("CREDENTIALS_IN_BATCH");
          const principal = await principalFor(operation.access, ctx);
          const input = parseInput(operation.input, await getRawInput());
          // The access and the parser guarantee what `Call` promises the handler; only the caller knows `Op`.
          const answered = await handler({ ctx: { ...ctx, principal }, input, signal, refuse } as unknown as Call<
            Es,
            Op
          >);
          if (operation.kind === "subscription") return cutEach(operation, cut, answered as AsyncIterable<unknown>);
          return cutOutput(operation.output, answered);
        } catch (error) {
          throw declared(operation, error);
        }
      };
      const cut = new WeakMap<object, unknown>();
      // tRPC's builder would infer the output type from the resolver; with `never` it uses the contract's.
      const resolve = answer as (call: object) => Promise<never>;
      const step = t.procedure.meta({ operation });
      const procedure = {
        query: () => step.query(resolve),
        mutation: () => step.mutation(resolve),
        subscription: () => step.subscription(resolve),
      } satisfies Record<OperationKind, () => unknown>;
      return procedure[operation.kind]() as unknown as Implemented<Es, Op>; // the contract's promise, checked by type tests
    },
  });

/** `implement` for the engine's own operations. */
export const implement: Implement<EngineErrors> = createImplement(engineErrors);

const principalFor = async (access: Access, ctx: Context) => {
  if (access.kind === "anyone") return null;
  return ctx.guard.authorize(access, await ctx.authenticate());
};

const parseInput = (input: z.ZodType, given: unknown): unknown => {
  const result = input.safeParse(given);
  if (!result.success) throw new TRPCError({ code: "BAD_REQUEST", cause: result.error });
  const path = unstorableTextIn(result.data);
  if (path) throw new DomainError("INVALID_INPUT", { issues: [{ path, message: notPlainText }] });
  return result.data;
};

/** Removes everything that the contract does not declare. */
const cutOutput = (output: z.ZodType, answer: unknown): unknown => {
  const result = output.safeParse(answer);
  if (!result.success) throw new Error("The output does not match the contract", { cause: result.error });
  return result.data;
};

/**
 * A refusal as a tRPC error, if the contract declares it for this operation. An undeclared refusal is a bug and
 * reported as one, so that clients can rely on the declared list.
 */
const declared = ({ access, errors }: Operation, error: unknown): unknown => {
  const refusal = refusalOf(error);
  if (!refusal) return error;
  const { code } = refusal;
  // Any operation may find the database unavailable, or input invalid that only the domain can check.
  const codes: readonly string[] = [...errors, ...accessErrorCodesOf(access), "UNAVAILABLE", "INVALID_INPUT"];
  if (codes.includes(code)) return asTrpcError(refusal);
  return new Error(`The operation was refused with ${code}, which it does not declare`, {
    cause: refusal.stack,
  });
};

/** `cut` caches the result for each frozen event: an event that many streams share is parsed once. */
async function* cutEach(operation: Operation, cut: WeakMap<object, unknown>, events: AsyncIterable<unknown>) {
  try {
    for await (const each of events) {
      const shared = isObject(each) && Object.isFrozen(each) ? each : null;
      const event = (shared && cut.get(shared)) ?? operation.output.parse(each);
      if (shared) cut.set(shared, event);
      yield event;
    }
  } catch (error) {
    throw declared(operation, error);
  }
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

/** The procedures of a tree of operations. */
export type ImplementationOf<Es extends Errors, T> = {
  [K in keyof T]: T[K] extends Operation ? Implemented<Es, T[K]> : ImplementationOf<Es, T[K]>;
};

/**
 * The router of a contract. An operation without a handler, or a handler without an operation, does not compile. A
 * handler of another operation fails at start.
 */
export const createRouter = <C extends RoutedContract>(
  contract: C,
  procedures: ImplementationOf<C["errors"], C["operations"]>,
  observe: ObserveCall | null = null,
): ServedRouter<C> => {
  const operations = contract.operations as Operations;
  const given = procedures as Record<string, unknown>;
  assertInPlace(operations, given, "");
  // As above: `procedures` come from tRPC, under the contract's own type.
  return t.router((observe ? observed(operations, given, observe) : given) as never) as unknown as ServedRouter<C>;
};

/** The contract's router type, with a caller for the server itself and tests. */
export type ServedRouter<C extends RoutedContract> = Pick<RouterOf<C>, "_def"> & {
  createCaller(context: Context, options?: { signal?: AbortSignal }): Caller<RecordOf<C>>;
};

type Caller<R> = {
  [K in keyof R]: R[K] extends { _def: { $types: { input: infer I; output: infer O } } }
    ? undefined extends I
      ? (input?: I) => Promise<O>
      : (input: I) => Promise<O>
    : Caller<R[K]>;
};

/** Checks at run time what the types check, for apps in JavaScript or with widened types. */
const assertInPlace = (operations: Operations, procedures: Record<string, unknown>, prefix: string) => {
  for (const [name, node] of Object.entries(operations)) {
    const path = prefix + name;
    const given = procedures[name] as
      | ({ _def?: { meta?: { operation?: Operation } } } & Record<string, unknown>)
      | undefined;
    if (given === undefined)
      throw new StartError(
        `The contract declares \`${path}\`, which has no procedures. Add them to the app's procedures.`,
      );
    if (!isOperation(node)) assertInPlace(node, given, `${path}.`);
    else if (given._def?.meta?.operation !== node)
      throw new StartError(`\`${path}\` is implemented by another operation's handler. Give it its own.`);
  }
  const extra = Object.keys(procedures).find((name) => !Object.hasOwn(operations, name));
  if (extra !== undefined)
    throw new StartError(
      `The app has a procedure \`${prefix}${extra}\`, which the contract does not declare. Declare it, or delete it.`,
    );
};
