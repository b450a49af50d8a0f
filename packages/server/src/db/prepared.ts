// Owns queries whose SQL text Kysely builds once, for the few that nearly every call runs: building the text takes longer
// than SQLite takes to answer it.

import type { Compilable, CompiledQuery } from "kysely";
import type { Db } from "./database.ts";
import { nameStatement } from "./statement-names.ts";

/**
 * A query with named values: `prepared(db, (given: { id: string }) => db.selectFrom("users").where("id", "=", given.id))`.
 * `build` runs once, with placeholders in place of values. It may only pass them to Kysely: reading one, such as in
 * a template literal or by its `length`, and listing the values, such as with `...given`, throw a `TypeError`.
 */
export const prepared = <Given extends object, Row>(db: Db, build: (given: Given) => Compilable<Row>) => {
  let compiled: CompiledQuery<Row> | undefined;
  return async (given: Given): Promise<Row[]> => {
    compiled ??= compileOnce(build(placeholders<Given>()));
    const parameters = compiled.parameters.map((parameter) => {
      const name = nameOf(parameter);
      return name === undefined ? parameter : given[name as keyof Given];
    });
    const { rows } = await db.executeQuery<Row>({ ...compiled, parameters });
    return rows;
  };
};

const compileOnce = <Row>(query: Compilable<Row>): CompiledQuery<Row> => {
  const compiled = query.compile();
  nameStatement(compiled.sql);
  return compiled;
};

/** An object with a placeholder for each property that is read. */
const placeholders = <Given extends object>(): Given =>
  new Proxy({} as Given, {
    get: (_, name) => createPlaceholder(String(name)),
    ownKeys() {
      throw new TypeError("A prepared query must name each of its values: they cannot be listed while it is built.");
    },
  });

const names = new WeakMap<object, string>();

/** The name of a placeholder; `undefined` for anything else. */
const nameOf = (parameter: unknown): string | undefined =>
  typeof parameter === "object" && parameter !== null ? names.get(parameter) : undefined;

const createPlaceholder = (name: string): object => {
  const placeholder = new Proxy(
    {},
    {
      get(_, property) {
        // Kysely asks each value whether it is an expression.
        if (property === "toOperationNode") return undefined;
        throw new TypeError(
          `A prepared query is built before its values are known: pass \`${name}\` to Kysely as it is, as a value.`,
        );
      },
    },
  );
  names.set(placeholder, name);
  return placeholder;
};
