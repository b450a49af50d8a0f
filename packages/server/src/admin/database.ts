// Owns `lockstep db`: copying, backing up, restoring and checking the database.

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { loadConfig } from "../config.ts";
import { backUp, restore } from "../db/backup.ts";
import { checkDatabase } from "../db/check.ts";
import { type CopyProgress, copyDatabase } from "../db/copy.ts";
import { type DatabaseUrl, type Db, openDatabase, withoutPassword } from "../db/database.ts";
import { assertNotTooNew } from "../db/migrate.ts";
import { withoutDatabaseLimit } from "../db/time-limit.ts";
import { realWorld } from "../world.ts";
import { type AdminProcess, CommandError, withDatabase } from "./command.ts";
import { aligned, visible, write, writeJson, writeLine } from "./output.ts";

interface Options {
  readonly json?: true;
}

export const addDatabaseCommands = (program: Command, admin: AdminProcess) => {
  const { now } = admin.world ?? realWorld;
  const database = program.command("db").description("The database: copies, backups, and checks");
  const urlArgument = (text: string): DatabaseUrl => {
    if (/^postgres(ql)?:\/\/./.test(text)) return text as DatabaseUrl;
    if (/^file:./.test(text)) return `file:${resolve(admin.directory, text.slice("file:".length))}`;
    throw new InvalidArgumentError("Give file: and a path, or a postgres:// connection string.");
  };

  database
    .command("copy")
    .description("Copies a database into an empty one, of either engine, and compares the two")
    .requiredOption("--from <url>", "the source: file: and a path, or postgres://…", urlArgument)
    .requiredOption("--to <url>", "the target, which is migrated first", urlArgument)
    .option("--more", "another copy will follow: servers still refuse the target")
    .option("--json", "print each table on a line")
    .addHelpText("after", aboutCopies)
    .action(async ({ from, to, more, json }: Options & { from: DatabaseUrl; to: DatabaseUrl; more?: true }) => {
      if (from === to) throw new CommandError("usage", "Source and target are the same database.");
      if (isMissing(from)) throw new CommandError("failed", `There is no database ${from.slice("file:".length)}.`);
      await using source = await opened(from);
      await using target = await opened(to);
      const progress = createProgress(admin);
      const copied = await copyDatabase({
        source: source.db,
        target: target.db,
        sourceName: withoutPassword(from),
        appMigrations: admin.app.migrations ?? [],
        more: more === true,
        onProgress: progress.show,
      }).finally(progress.end);
      if (json) {
        for (const table of copied) await writeJson(admin.stdout, table);
        return;
      }
      const rows = copied.map(({ table, rows, written, removed, checksum }) => [
        table,
        String(rows),
        String(written),
        String(removed),
        checksum.slice(0, 16),
      ]);
      await write(admin.stdout, aligned([["TABLE", "ROWS", "WRITTEN", "REMOVED", "CHECKSUM"], ...rows]));
      await writeLine(
        admin.stdout,
        more
          ? "Source and copy are equal. Servers refuse the copy until you run this without --more."
          : "Source and copy are equal. Set DATABASE_URL to the copy, with the same SECRET and PEPPER.",
      );
    });

  database
    .command("backup")
    .description("Writes a consistent copy of a SQLite database, while the server runs")
    .argument("<file>", "the file to write, which must not exist")
    .option("--json", 'print {"file", "bytes", "users"}')
    .addHelpText("after", aboutBackups)
    .action(async (file: string, { json }: Options) => {
      const backup = backUp(sqliteFile(admin, "pg_dump --format=custom"), resolve(admin.directory, file));
      if (json) return await writeJson(admin.stdout, backup);
      await writeLine(admin.stdout, `Wrote ${visible(backup.file)}: ${backup.users} users, ${backup.bytes} bytes.`);
    });

  database
    .command("restore")
    .description("Replaces the SQLite database with a backup. The server must not run")
    .argument("<file>", "a file that `db backup` wrote")
    .option("--replace", "also if there is a database, which is kept under another name")
    .option("--json", 'print {"file", "bytes", "users", "kept"}')
    .addHelpText("after", aboutRestoring)
    .action(async (file: string, { replace, json }: Options & { replace?: true }) => {
      const backup = resolve(admin.directory, file);
      const target = sqliteFile(admin, "pg_restore");
      if (existsSync(backup)) {
        await using content = await opened(`file:${backup}`);
        await assertNotTooNew(content.db);
      }
      const restored = restore(backup, target, { replace: replace === true, now: now() });
      if (json) return await writeJson(admin.stdout, restored);
      if (restored.kept !== null) await writeLine(admin.stdout, `The previous database is now ${restored.kept}.`);
      await writeLine(admin.stdout, `Restored ${restored.file}: ${restored.users} users.`);
    });

  database
    .command("check")
    .description("Finds damage, and rows that break a rule")
    .option("--json", "print each finding on a line")
    .addHelpText("after", aboutChecks)
    .action(({ json }: Options) =>
      withDatabase(admin, async (db) => {
        const findings = await withoutDatabaseLimit(() => checkDatabase(db, admin.app.contract.roles));
        for (const finding of findings) {
          if (json) await writeJson(admin.stdout, finding);
          else {
            const { check, problem, rows, examples, advice } = finding;
            const some = examples.length > 0 ? `, such as ${examples.map(visible).join(", ")}` : "";
            await writeLine(admin.stdout, `${check}: ${problem} Rows: ${rows}${some}.\n  ${advice}`);
          }
        }
        const { length } = findings;
        if (length > 0)
          throw new CommandError("failed", length === 1 ? "1 problem was found." : `${length} problems were found.`);
        if (!json) await writeLine(admin.stdout, "Nothing is wrong.");
      }),
    );
};

const isMissing = (url: DatabaseUrl) => url.startsWith("file:") && !existsSync(url.slice("file:".length));

/** @throws CommandError when `DATABASE_URL` is a PostgreSQL database, with the tool that does this there */
const sqliteFile = ({ env, root }: AdminProcess, tool: string): string => {
  const { databaseUrl } = loadConfig(env, root);
  if (databaseUrl.startsWith("file:")) return databaseUrl.slice("file:".length);
  throw new CommandError("failed", `DATABASE_URL is a PostgreSQL database. Use \`${tool}\` (docs/deploy.md).`);
};

/** A large table takes more time than a call has. */
const statementLimitMs = 10 * 60_000;

const opened = async (url: DatabaseUrl) => {
  const db: Db = await openDatabase(url, { limitMs: statementLimitMs });
  return { db, [Symbol.asyncDispose]: () => db.destroy() };
};

/** A line on a terminal that shows how far the copy is. */
const createProgress = ({ stderr }: AdminProcess) => {
  const terminal = (stderr as { readonly isTTY?: boolean }).isTTY === true;
  return {
    show({ table, done, total }: CopyProgress): void {
      if (!terminal) return;
      const part = total === 0 ? 1 : done / total;
      const bar = "#".repeat(Math.round(part * 30)).padEnd(30, ".");
      stderr.write(`\r[${bar}] ${Math.floor(part * 100)} %  ${table}\u001b[K`);
    },
    end(): void {
      if (terminal) stderr.write("\r\u001b[K");
    },
  };
};

const aboutCopies = `
Migrates the target, reads the source in one state, writes what the target lacks, and compares each table by its
number of rows and a checksum. Interrupted, it continues when it is run again. The target must be empty, or have an
unfinished copy of the same source. Rows are compared by their primary key, also those of the app's own tables.

To move without a long interruption, copy twice: first with --more while the servers run; then stop them, and copy
again without it, which transfers only what has changed. Start the servers on the copy with the same SECRET and
PEPPER: everybody stays signed in.

Other users of this machine can see arguments: give PostgreSQL's password in PGPASSWORD or a password file.

Example:
  $ npm run lockstep -- db copy --from file:.data/lockstep.db --to postgres://lockstep@db.example.com/lockstep`;

const aboutBackups = `
The backup is complete, or is not written at all. Only you can read it. It contains no SECRET and no PEPPER: keep them
with equal care, elsewhere. Without them, a backup opens no account.

Example:
  $ npm run lockstep -- db backup /backups/lockstep-$(date +%F).db`;

const aboutRestoring = `
Checks the whole backup first. Refuses while a process uses the database. People whose session was refreshed since
the backup sign in again.

Example:
  $ npm run lockstep -- db restore /backups/lockstep-2026-11-27.db --replace`;

const aboutChecks = `
Only reads, and may run beside the server. A finding in JSON: {"check", "problem", "rows", "examples", "advice"}.
Exit code 1: something was found.

Example:
  $ npm run lockstep -- db check`;
