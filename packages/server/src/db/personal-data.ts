// Owns the map of personal data: which rows of each table are about a person, what the deletion of the account does to
// them, and what an export leaves out. An app declares its tables with their migrations (`app-migrations.ts`); the
// engine's are in `domain/accounts/engine-data.ts`.

import {
  type Expression,
  type ExpressionBuilder,
  type Kysely,
  type Selectable,
  type SelectType,
  type SqlBool,
  sql,
} from "kysely";
import { StartError } from "../start-error.ts";
import type { Db } from "./database.ts";
import type { Table } from "./tables.ts";

interface Described<Row> {
  /** The columns that tell one row from another. Default: the primary key. */
  readonly key?: (keyof Row & string) | readonly (keyof Row & string)[];
  /** Columns that the export leaves out: secrets, and hashes of secrets. */
  readonly leaveOut?: readonly (keyof Row & string)[];
}

/** Rows with the ID of their user in a column. */
export type OwnedRows<Row> = {
  [C in keyof Row & string]: Described<Row> & {
    /** The column with the ID of the user. */
    readonly owner: C;
    /**
     * The rows stay, with these values, which say nothing about the user: `{ author_id: null }`. Default: they are
     * deleted.
     */
    readonly anonymize?: { readonly [K in C]: SelectType<Row[K]> } & Partial<Selectable<Row>>;
  };
}[keyof Row & string];

/** Rows that belong to a row of another table, and are deleted with it. */
export type DependentRows<Tables, Row> = {
  [P in keyof Tables & string]: Described<Row> & {
    /** The table of the rows that they belong to. */
    readonly parent: P;
    /** The column with the key of that row. */
    readonly by: keyof Row & string;
    /** The column of the parent with that key. Default: `id`. */
    readonly parentKey?: keyof Tables[P] & string;
  };
}[keyof Tables & string];

/**
 * What a table has about people: rows of a user, rows that belong to other rows, several kinds of them, or nothing
 * (`"not_personal"`).
 */
export type TableData<Tables, Row> =
  | OwnedRows<Row>
  | DependentRows<Tables, Row>
  | readonly OwnedRows<Row>[]
  | "not_personal";

/** The map of personal data of some tables. A table that is left out does not compile. */
export type PersonalData<Tables> = {
  readonly [T in keyof Tables & string]: TableData<Tables, Tables[T]>;
};

/** The person whose data is deleted or exported. */
export interface Person {
  readonly id: string;
  readonly username: string;
  /** The addresses that somebody has proved to be theirs, or vouches for. */
  readonly addresses: readonly string[];
  /** What replaces them in rows that stay. `null`: the account is not being deleted. */
  readonly pseudonym: string | null;
}

// biome-ignore lint/suspicious/noExplicitAny: the tables of the app, which the engine does not know
type AnyTables = any;

/** The rows of one table that are about a person. */
export interface PersonRows {
  readonly table: string;
  readonly key: readonly string[];
  readonly leaveOut: readonly string[];
  /** Which rows they are. */
  readonly where: (eb: ExpressionBuilder<AnyTables, string>, person: Person) => Expression<SqlBool>;
  /** The values with which they stay. `null`: they are deleted. */
  readonly anonymize: ((person: Person) => Readonly<Record<string, unknown>>) | null;
}

/** A declared kind of rows, whatever the types of the table. */
interface Declared {
  readonly key?: string | readonly string[];
  readonly leaveOut?: readonly string[];
  readonly owner?: string;
  readonly anonymize?: Readonly<Record<string, unknown>>;
  readonly parent?: string;
  readonly by?: string;
  readonly parentKey?: string;
}

export type DeclaredData = Readonly<Record<string, Declared | readonly Declared[] | "not_personal">>;

const kindsOf = (declared: DeclaredData[string] | undefined): readonly Declared[] =>
  declared === undefined || declared === "not_personal" ? [] : [declared].flat();

const example = '{ owner: "user_id" }';

/**
 * The rows that an app's maps declare, those that belong to others first.
 * @param tables the tables of the database
 * @param created the tables that the app's migrations create
 * @throws StartError that names the table which is missing, described twice, or described wrongly
 */
export const personRowsOf = (
  maps: readonly DeclaredData[],
  tables: readonly Table[],
  created: readonly string[],
): PersonRows[] => {
  const find = (table: string) => tables.find(({ name }) => name === table);
  const declared = new Map<string, DeclaredData[string]>();
  for (const [table, data] of maps.flatMap((map) => Object.entries(map))) {
    if (declared.has(table))
      throw new StartError(`The table ${table} is in two maps of personal data. Remove it from one of them.`);
    declared.set(table, data);
  }
  const missing = created.find((table) => find(table) && !declared.has(table));
  if (missing !== undefined)
    throw new StartError(
      `The table ${missing} is in no map of personal data, so deleting an account would leave its rows. Pass the map to \`defineMigrations\`, after the migrations: \`{ ${missing}: ${example} }\` with the column of the user's ID, or \`{ ${missing}: "not_personal" }\` (docs/accounts.md#tables-of-an-app).`,
    );

  const assertColumn = (table: string, column: string): void => {
    if (!find(table)?.columns.some(({ name }) => name === column))
      throw new StartError(
        `The map of personal data of the table ${table} names the column ${column}, which the database does not have. Correct the map.`,
      );
  };
  /** How many tables lie between these rows and their user. */
  const distance = (table: string, seen: readonly string[] = []): number => {
    const parents = kindsOf(declared.get(table)).flatMap(({ parent }) => parent ?? []);
    if (seen.includes(table))
      throw new StartError(`The rows of ${table} belong to themselves in the map of personal data. Correct the map.`);
    return Math.max(0, ...parents.map((parent) => 1 + distance(parent, [...seen, table])));
  };
  const whereOf = (table: string, kind: Declared): PersonRows["where"] => {
    const { owner, parent, by = "", parentKey = "id" } = kind;
    if (owner !== undefined) {
      assertColumn(table, owner);
      return (eb, { id }) => eb(owner, "=", id);
    }
    const parents = kindsOf(declared.get(parent ?? ""));
    if (parent === undefined || parents.length === 0)
      throw new StartError(
        `The map of personal data says of the table ${table} neither \`owner\` nor a \`parent\` that has rows of users. Correct the map: ${example}.`,
      );
    assertColumn(table, by);
    assertColumn(parent, parentKey);
    const ofParents = parents.map((each) => whereOf(parent, each));
    return (eb, person) =>
      eb(
        by,
        "in",
        eb
          .selectFrom(parent)
          .select(parentKey)
          .where((inner) => inner.or(ofParents.map((where) => where(inner, person)))),
      );
  };

  return [...declared.keys()]
    .map((table) => [table, distance(table)] as const)
    .sort(([, one], [, other]) => other - one)
    .flatMap(([table]) =>
      kindsOf(declared.get(table)).map((kind): PersonRows => {
        const { anonymize } = kind;
        const key = [kind.key ?? find(table)?.key ?? []].flat();
        if (key.length === 0)
          throw new StartError(
            `The table ${table} has no primary key. Name the columns that tell its rows apart in the map of personal data: \`key\`.`,
          );
        for (const column of [...key, ...(kind.leaveOut ?? []), ...Object.keys(anonymize ?? {})])
          assertColumn(table, column);
        if (anonymize && (kind.owner === undefined || !Object.hasOwn(anonymize, kind.owner)))
          throw new StartError(
            `The map of personal data keeps the rows of ${table} with the ID of their user. Give \`anonymize\` a value for its \`owner\`.`,
          );
        return {
          table,
          key,
          leaveOut: kind.leaveOut ?? [],
          where: whereOf(table, kind),
          anonymize: anonymize ? () => anonymize : null,
        };
      }),
    );
};

const keyOf = (key: readonly string[]) =>
  key.length === 1 ? sql.ref(key[0] ?? "") : sql`(${sql.join(key.map(sql.ref))})`;

/** Deletes or anonymizes up to `limit` of these rows, and returns how many. */
export const eraseRows = async (
  db: Db,
  { table, key, where, anonymize }: PersonRows,
  person: Person,
  limit: number,
): Promise<number> => {
  const any = db as unknown as Kysely<AnyTables>;
  const chosen = any
    .selectFrom(table)
    .select(key as string[])
    .where((eb) => where(eb, person))
    .limit(limit);
  const isChosen = sql<SqlBool>`${keyOf(key)} in (${chosen})`;
  if (anonymize === null) {
    const { numDeletedRows } = await any.deleteFrom(table).where(isChosen).executeTakeFirst();
    return Number(numDeletedRows);
  }
  const { numUpdatedRows } = await any.updateTable(table).set(anonymize(person)).where(isChosen).executeTakeFirst();
  return Number(numUpdatedRows);
};

/** Up to `limit` of these rows, in the order of their key, after the row with the key `after`. */
export const readRows = async (
  db: Db,
  { table, key, where }: PersonRows,
  person: Person,
  { after, limit }: { readonly after: readonly unknown[] | null; readonly limit: number },
): Promise<Record<string, unknown>[]> => {
  const any = db as unknown as Kysely<AnyTables>;
  let query = any
    .selectFrom(table)
    .selectAll()
    .where((eb) => where(eb, person));
  if (after !== null) query = query.where(sql<SqlBool>`(${sql.join(key.map(sql.ref))}) > (${sql.join(after)})`);
  for (const column of key) query = query.orderBy(column);
  return query.limit(limit).execute();
};
