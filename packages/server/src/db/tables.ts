// Owns the shape of a database's tables as the database itself reports it: the engine's and the app's alike. For work on
// every table, such as copying a database.

import { type RawBuilder, sql } from "kysely";
import { type Db, isPostgres } from "./database.ts";

/** A column that can be written. */
export interface Column {
  readonly name: string;
  /** Lower case, as the database names it: `text`, `int8`, `jsonb` … */
  readonly type: string;
}

export interface Table {
  readonly name: string;
  /** In alphabetical order. */
  readonly columns: readonly Column[];
  /** The columns of the primary key, in its order. Empty: there is none. */
  readonly key: readonly string[];
}

/** Where Kysely and `migrate.ts` record migrations, and what servers told each other. `sqlite_sequence` is SQLite's own. */
const bookkeeping: ReadonlySet<string> = new Set([
  "kysely_migration",
  "kysely_migration_lock",
  "schema_version",
  "app_migration",
  "database_copy",
  "news",
  "sqlite_sequence",
]);

/** All tables with data. A table that others refer to comes before them. */
export const readTables = async (db: Db): Promise<readonly Table[]> => {
  const postgres = isPostgres(db);
  const rows = await (postgres ? postgresColumns : sqliteColumns).execute(db).then((result) => result.rows);
  const references = await (postgres ? postgresReferences : sqliteReferences).execute(db).then((result) => result.rows);
  const names = [...new Set(rows.map(({ table_name }) => table_name))].filter((name) => !bookkeeping.has(name));
  const tables = names.map((name): Table => {
    const columns = rows.filter(({ table_name }) => table_name === name);
    return {
      name,
      columns: columns.map(({ column_name, type }) => ({ name: column_name, type: type.toLowerCase() })),
      key: columns
        .filter(({ key_position }) => key_position > 0)
        .toSorted((a, b) => a.key_position - b.key_position)
        .map(({ column_name }) => column_name),
    };
  });
  return inOrder(tables, references);
};

interface ColumnRow {
  readonly table_name: string;
  readonly column_name: string;
  readonly type: string;
  /** 1, 2 …; 0: not in the primary key. */
  readonly key_position: number;
}

interface ReferenceRow {
  readonly table_name: string;
  readonly refers_to: string;
}

// `hidden` is 0 for ordinary columns: generated ones cannot be written.
const sqliteColumns: RawBuilder<ColumnRow> = sql`
  select t.name as table_name, c.name as column_name, c.type, c.pk as key_position
  from pragma_table_list() t join pragma_table_xinfo(t.name) c
  where t.schema = 'main' and t.type = 'table' and c.hidden = 0 and t.name not like 'sqlite\\_%' escape '\\'
  order by t.name, c.name`;

const sqliteReferences: RawBuilder<ReferenceRow> = sql`
  select t.name as table_name, f."table" as refers_to
  from pragma_table_list() t join pragma_foreign_key_list(t.name) f
  where t.schema = 'main' and t.type = 'table'`;

const postgresColumns: RawBuilder<ColumnRow> = sql`
  select c.relname as table_name, a.attname as column_name, t.typname as type,
    coalesce(array_position(i.indkey::int2[], a.attnum) + 1, 0) as key_position
  from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    join pg_type t on t.oid = a.atttypid
    left join pg_index i on i.indrelid = c.oid and i.indisprimary
  where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace
  order by c.relname collate "C", a.attname collate "C"`;

const postgresReferences: RawBuilder<ReferenceRow> = sql`
  select c.relname as table_name, r.relname as refers_to
  from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_class r on r.oid = k.confrelid
  where k.contype = 'f' and c.relnamespace = current_schema()::regnamespace`;

const inOrder = (tables: readonly Table[], references: readonly ReferenceRow[]): readonly Table[] => {
  const ordered = new Set<Table>();
  const visit = (table: Table, from: readonly Table[]): void => {
    if (ordered.has(table) || from.includes(table)) return;
    for (const { table_name, refers_to } of references) {
      const target = table_name === table.name && tables.find(({ name }) => name === refers_to);
      if (target) visit(target, [...from, table]);
    }
    ordered.add(table);
  };
  for (const table of tables) visit(table, []);
  return [...ordered];
};
