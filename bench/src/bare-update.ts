// The upper limit for a refresh: Fastify with the same UPDATE … RETURNING on the same kind of database, and nothing else.

import { DatabaseSync } from "node:sqlite";
import Fastify from "fastify";

const database = new DatabaseSync(process.env["DATABASE_FILE"] ?? "", { timeout: 5000 });
// The same settings as in packages/server/src/db/sqlite.ts.
database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;");

const update = database.prepare(
  `update sessions set generation = ?, replaced = ?, last_seen_at = ?, idle_expires_at = ?, address = ?, user_agent = ?
   where id = ? and generation = ? and ended_at is null returning generation`,
);

const app = Fastify();
app.get("/healthz", async () => ({ status: "ok" }));
app.post<{ Body: { id: string; generation: number } }>("/refresh", async (request) => {
  const { id, generation } = request.body;
  const now = Date.now();
  const replaced = JSON.stringify([[generation, now]]);
  const userAgent = request.headers["user-agent"] ?? null;
  const row = update.get(generation + 1, replaced, now, now + 1_209_600_000, request.ip, userAgent, id, generation);
  if (!row) throw new Error("There is no such generation");
  return { generation: row["generation"] };
});

await app.listen({ port: Number(process.env["PORT"]), host: "127.0.0.1" });
process.once("SIGTERM", () => void app.close().then(() => database.close()));
