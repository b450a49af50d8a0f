// The upper limit for a call on PostgreSQL: the guard's query through `pg`, once alone and once behind a Fastify route that
// takes the session from a header. `GET /rate?seconds=2` returns the queries per second of `pg` alone, with as many at once
// as the route has connections, for the sessions of `ids` in turns.

import Fastify from "fastify";
import pg from "pg";

const int8Oid = 20;

// The same settings as in packages/server/src/db/postgres.ts.
const pool = new pg.Pool({
  connectionString: process.env["DATABASE_URL"],
  types: { getTypeParser: (oid, format) => (oid === int8Oid ? Number : pg.types.getTypeParser(oid, format)) },
});

const guardQuery = `
  select users.id, users.username, users.email, users.full_name, users.role, users.disabled, users.created_at,
    sessions.authenticated_at, sessions.scopes
  from sessions inner join users on users.id = sessions.user_id
  where sessions.id = $1 and sessions.ended_at is null and sessions.expires_at > $2
    and sessions.idle_expires_at > $2 and users.disabled = 0`;

const findLive = async (id: string) => {
  const {
    rows: [row],
  } = await pool.query(guardQuery, [id, Date.now()]);
  if (!row) throw new Error("No such session");
  return row;
};

const app = Fastify();
app.get("/healthz", async () => ({ status: "ok" }));
app.get("/session", ({ headers }) => findLive(String(headers["session"])));
app.get<{ Querystring: { ids: string; seconds: string; atOnce: string } }>("/rate", async ({ query }) => {
  const ids = query.ids.split(",");
  let done = 0;
  const startedAt = performance.now();
  const until = startedAt + Number(query.seconds) * 1000;
  const client = async () => {
    for (; performance.now() < until; done++) await findLive(ids[done % ids.length] ?? "");
  };
  await Promise.all(Array.from({ length: Number(query.atOnce) }, client));
  return done / ((performance.now() - startedAt) / 1000);
});

await app.listen({ port: Number(process.env["PORT"]), host: "127.0.0.1" });
process.once("SIGTERM", () => void Promise.all([app.close(), pool.end()]).then(() => process.exit(0)));
