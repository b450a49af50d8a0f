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
Creates a missing SQLite file. Applies all migrations or none, under a lock: it is safe to run it twice, and while
servers start, which also migrate. Refuses a database that is more than one version newer.

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
