// Owns the interface between app and engine: the app's contract, procedures and migrations.

import {
  type AnyContract,
  type Brand,
  type Contract,
  type Errors,
  engine,
  engineErrors,
  engineRoles,
  engineScopes,
  type RegisterClientInput,
  type Scopes,
} from "@lockstep/kit";
import type { Kysely } from "kysely";
import type { z } from "zod";
import type { Migrations, TablesOf } from "./db/app-migrations.ts";
import type { Schema } from "./db/schema.ts";
import type { Users } from "./domain/accounts/users.ts";
import type { Hooks } from "./domain/admission/admission.ts";
import type { AppAudit } from "./domain/kernel/audit.ts";
import type { Now, Random } from "./domain/kernel/environment.ts";
import type { MailTemplates } from "./domain/mail/templates.ts";
import type { Implement, ImplementationOf } from "./rpc/trpc.ts";
import { StartError } from "./start-error.ts";

/** The operations of the engine, which every contract has. */
export type EngineOperations = typeof engine;

/** Only for the compiler, which would accept one `Kysely` for another. No value has it. */
declare const migratedTables: unique symbol;

/**
 * The tools of an app's procedures.
 * @typeParam C the app's contract
 * @typeParam Tables the tables that they need, as Kysely sees them
 */
export interface Tools<C extends { readonly errors: Errors }, Tables = object> {
  /** The first property, so that the compiler's message names the table without migrations. */
  readonly [migratedTables]?: Tables;
  /** `implement(contract.operations.note.list).handle(({ ctx, input, refuse }) => …)` */
  readonly implement: Implement<C["errors"]>;
  /**
   * The app's tables, and the engine's users that they refer to. The rest of the engine is reached through functions.
   */
  readonly db: Kysely<Tables & Pick<Schema, "users">>;
  /** The time that all servers of one database share: epoch milliseconds. */
  readonly now: Now;
  /** Random bytes. */
  readonly random: Random;
  readonly users: Pick<Users, "find" | "findByLogin">;
  /** The audit log. An entry is written in the transaction of what it records. */
  readonly audit: AppAudit;
}

/**
 * @throws StartError when the contract redeclares or leaves out an area, scope or error of the engine: the engine's
 * handlers, pages and clients rely on them
 */
export const assertEngineIn = ({ operations, scopes, errors, roles }: AnyContract): void => {
  for (const [area, declared] of Object.entries(engine)) {
    if (operations[area] === undefined)
      throw new StartError(
        `The contract lacks the engine's area \`${area}\`. Begin its operations with \`...engine\`.`,
      );
    if (operations[area] !== declared)
      throw new StartError(`The contract's area \`${area}\` has the name of an engine's area. Give it another name.`);
  }
  for (const [code, declared] of Object.entries(engineErrors)) {
    if (errors[code] === undefined)
      throw new StartError(`The contract lacks the engine's error ${code}. Begin its errors with \`...engineErrors\`.`);
    if (errors[code] !== declared)
      throw new StartError(`The contract's error ${code} has the code of an engine's error. Give it another code.`);
  }
  for (const name of Object.keys(engineScopes)) {
    if (!Object.hasOwn(scopes, name))
      throw new StartError(`The contract lacks the engine's scope ${name}. Begin its scopes with \`...engineScopes\`.`);
  }
  for (const role of engineRoles) {
    if (!roles.includes(role))
      throw new StartError(`The contract lacks the engine's role ${role}. Begin its roles with \`...engineRoles\`.`);
  }
};

/** The app's own operations. */
export type OwnOperations<T> = Omit<T, keyof EngineOperations>;

/** `Procedures` without those that the contract does not declare. */
type DeclaredAlone<Procedures, Declared> = {
  readonly [Name in keyof Procedures]: Name extends keyof Declared
    ? Procedures[Name] extends (...call: never) => unknown
      ? Procedures[Name]
      : DeclaredAlone<Procedures[Name], Declared[Name]>
    : "The contract does not declare this operation.";
};

/** An app: its brand, contract, procedures, migrations, mails and hooks. */
export interface App<C extends AnyContract = AnyContract> {
  readonly brand: Brand;
  readonly contract: C;
  /** Creates the procedures of the app's own operations, once for each server. */
  // biome-ignore lint/suspicious/noExplicitAny: each app has tables and errors of its own; `defineApp` checks them
  readonly procedures: (tools: Tools<any, any>) => object;
  /** The migrations of the app's own tables. They run by name, after the engine's. */
  readonly migrations?: readonly Migrations[];
  /** Templates that replace the engine's, one by one. The others keep their words. */
  readonly mails?: Partial<MailTemplates>;
  /** Functions of the app that the engine calls. */
  // biome-ignore lint/suspicious/noExplicitAny: each app has tables of its own; `defineApp` checks them
  readonly hooks?: Hooks<any>;
  /** Clients that are registered in development, by their `client_id`, such as a demo in the terminal. */
  readonly developmentClients?: Readonly<Record<string, z.input<typeof RegisterClientInput>>>;
}

/**
 * Declares an app: the one value that servers, commands and tests are made from. An operation without a procedure does
 * not compile, nor does a procedure whose tables no migration makes.
 */
export const defineApp = <
  S extends Scopes,
  R extends readonly string[],
  E extends Errors,
  T extends EngineOperations,
  P extends ImplementationOf<E, OwnOperations<T>>,
  const M extends readonly Migrations[] = [],
>(app: {
  readonly brand: Brand;
  readonly contract: Contract<S, R, E, T>;
  readonly procedures: (
    tools: Tools<{ readonly errors: E }, TablesOf<M>>,
  ) => P & DeclaredAlone<P, ImplementationOf<E, OwnOperations<T>>>;
  readonly migrations?: M;
  readonly mails?: App["mails"];
  readonly hooks?: Hooks<TablesOf<M>>;
  readonly developmentClients?: App["developmentClients"];
}): App<Contract<S, R, E, T> & AnyContract> => app as never; // checked by the parameter's type
