// Runs the app as a server of the demo. `APP_VERSION=2` is a newer one, whose migrations only add.

import { resolve } from "node:path";
import { app } from "@app/server/app";
import { defineMigrations, sql, startServer } from "@lockstep/server";

const newer = defineMigrations<object>({
  "9000-demo": {
    async up(db) {
      await sql`alter table notes add column pinned_at bigint`.execute(db);
    },
  },
});

const version = process.env["APP_VERSION"] ?? "1";

await startServer(version === "2" ? { ...app, migrations: [...(app.migrations ?? []), newer] } : app, {
  root: resolve(import.meta.dirname, "../../.."),
});
