// Owns `lockstep migrate`.

import type { Command } from "commander";
import { migrateToLatest } from "../db/migrate.ts";
import { type AdminProcess, openConfiguredDatabase } from "./command.ts";
import { writeJson, writeLine } from "./output.ts";

export const addMigrateCommand = (program: Command, admin: AdminProcess) => {
  program
    .command("migrate")
    .description("Migrates the database to this version's schema, and lists what was applied")
    .option("--json", 'print {"applied": [names]}')
    .addHelpText(
      "after",
      `
Makes the database when it is a SQLite file that is not there. All or nothing, under a lock: safe to run
twice, or while servers start, who do the same at their start. Refuses a database that is more than one version newer.

Example:
  $ DATABASE_URL=postgres://… npm run lockstep -- migrate`,
    )
    .action(async ({ json }: { json?: true }) => {
      await using opened = await openConfiguredDatabase(admin);
      const applied = await migrateToLatest(opened.db, admin.app.migrations);
      if (json) return await writeJson(admin.stdout, { applied });
      const lines = applied.map((name) => `Applied ${name}.`);
      await writeLine(admin.stdout, lines.join("\n") || "Nothing to apply: the database is up to date.");
    });
};
