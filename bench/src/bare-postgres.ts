// The limit of a call on PostgreSQL: the query of the guard through `postgres`, once by itself, and once behind a
// Fastify route, for the session of a header. `GET /rate?seconds=2` tells how many a second it makes by itself, as many
// at once as there are connections to the route, for the sessions of `ids` in turns.

import Fastify from "fastify";
import postgres from "postgres";

const int8Oid = 20;

// As apps/server/src/db/database.ts has it.
const sql = postgres(process.env["DATABASE_URL"] ?? "", {
  onnotice: () => {},
  types: { bigint: { to: int8Oid, from: [int8Oid], serialize: String, parse: Number } },
});

const findLive = async (id: string) => {
  const now = Date.now();
  const [row] = await sql`
    select users.id, users.username, users.email, users.full_name, users.role, users.disabled, users.created_at,
      sessions.authenticated_at, sessions.scopes
    from sessions inner join users on users.id = sessions.user_id
    where sessions.id = ${id} and sessions.ended_at is null and sessions.expires_at > ${now}
      and sessions.idle_expires_at > ${now} and users.disabled = 0`;
  if (!row) throw new Error("There is no such session");
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
process.once("SIGTERM", () => void Promise.all([app.close(), sql.end()]).then(() => process.exit(0)));
