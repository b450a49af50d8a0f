// better-auth on node:http and node:sqlite, with its own Node handler. `get-session` reads session and user on each call:
// its cookie cache is off by default. bcrypt replaces its scrypt, as all subjects use bcrypt.

import { createServer } from "node:http";
import { DatabaseSync } from "node:sqlite";
import { compare, hash } from "@node-rs/bcrypt";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";

const database = new DatabaseSync(process.env["DATABASE_FILE"] ?? "", { timeout: 5000 });
database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;");

const auth = betterAuth({
  database,
  baseURL: process.env["PUBLIC_URL"] ?? "",
  secret: "a secret of the benchmark, of thirty-two characters and more",
  telemetry: { enabled: false },
  rateLimit: { enabled: false },
  emailAndPassword: {
    enabled: true,
    minPasswordLength: 1,
    password: {
      hash: (password) => hash(password, { cost: Number(process.env["BCRYPT_COST"]) }),
      verify: ({ hash: stored, password }) => compare(password, stored),
    },
  },
});
const { runMigrations } = await getMigrations(auth.options);
await runMigrations();

/** Adds users with this password hash, as a sign-up would. Hashing for each of them would take minutes. */
const addUsers = (count: number, passwordHash: string) => {
  const now = new Date().toISOString();
  const user = database.prepare(
    `insert or ignore into user (id, name, email, emailVerified, createdAt, updatedAt) values (?, ?, ?, 0, ?, ?)`,
  );
  const account = database.prepare(
    `insert or ignore into account (id, accountId, providerId, userId, password, createdAt, updatedAt)
     values (?, ?, 'credential', ?, ?, ?, ?)`,
  );
  database.exec("begin");
  for (let n = 0; n < count; n++) {
    user.run(`user-${n}`, `User ${n}`, `user-${n}@example.com`, now, now);
    account.run(`account-${n}`, `user-${n}`, `user-${n}`, passwordHash, now, now);
  }
  database.exec("commit");
};
addUsers(Number(process.env["USERS"]), process.env["PASSWORD_HASH"] ?? "");

const handler = toNodeHandler(auth);
const server = createServer((request, response) => {
  if (request.url !== "/healthz") return void handler(request, response);
  response.setHeader("content-type", "application/json");
  response.end('{"status":"ok"}');
});
server.listen(Number(process.env["PORT"]), "127.0.0.1");
process.once("SIGTERM", () => {
  server.closeAllConnections();
  server.close(() => process.exit(0));
});
