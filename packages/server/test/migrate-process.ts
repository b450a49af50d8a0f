// Migrates the database at `argv[2]` in a process of its own, as a starting server does, and prints what it applied.

import { type DatabaseUrl, openDatabase } from "../src/db/database.ts";
import { migrateToLatest } from "../src/db/migrate.ts";

const db = await openDatabase(process.argv[2] as DatabaseUrl);
process.stdout.write(JSON.stringify(await migrateToLatest(db)));
await db.destroy();
