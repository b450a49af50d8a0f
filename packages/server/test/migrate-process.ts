// Migrates the database at `argv[2]` and prints what it applied: a server's start, as another process sees it.

import { type DatabaseUrl, openDatabase } from "../src/db/database.ts";
import { migrateToLatest } from "../src/db/migrate.ts";

const db = await openDatabase(process.argv[2] as DatabaseUrl);
process.stdout.write(JSON.stringify(await migrateToLatest(db)));
await db.destroy();
