// Owns queries whose SQL text is made once, by Kysely, for the few that nearly every call runs: building the text
// takes longer than SQLite takes to answer it.

import type { Compilable, CompiledQuery } from "kysely";
import type { Db } from "./database.ts";
import { nameStatement } from "./statement-names.ts";

/** Stands in the text for a value that each run gives. */
class Placeholder {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/**
 * A query with named values: `prepared(db, (given: { id: string }) => db.selectFrom("users").where("id", "=", given.id))`.
 * `build` runs once, with placeholders: what it makes must not depend on what the values are.
 */
export const prepared = <Given extends object, Row>(db: Db, build: (given: Given) => Compilable<Row>) => {
  let compiled: CompiledQuery<Row> | undefined;
  const placeholders = new Proxy({}, { get: (_, name) => new Placeholder(String(name)) }) as Given;
  return async (given: Given): Promise<Row[]> => {
    compiled ??= compileOnce(build(placeholders));
    const parameters = compiled.parameters.map((each) =>
      each instanceof Placeholder ? given[each.name as keyof Given] : each,
    );
    const { rows } = await db.executeQuery<Row>({ ...compiled, parameters });
    return rows;
  };
};

const compileOnce = <Row>(query: Compilable<Row>): CompiledQuery<Row> => {
  const compiled = query.compile();
  nameStatement(compiled.sql);
  return compiled;
};
