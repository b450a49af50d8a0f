// Express 5 with passport-jwt and jsonwebtoken, as their documentation describes: HS256, a bearer token from the header,
// the user read in the strategy's callback.

import { randomBytes } from "node:crypto";
import { compare } from "@node-rs/bcrypt";
import express from "express";
import jwt from "jsonwebtoken";
import passport from "passport";
import { ExtractJwt, Strategy } from "passport-jwt";
import { openPeerDatabase } from "./peer-database.ts";

const database = openPeerDatabase(process.env["DATABASE_FILE"] ?? "");
const secret = randomBytes(32);
const issuer = process.env["PUBLIC_URL"] ?? "";

passport.use(
  new Strategy(
    {
      jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
      secretOrKey: secret,
      algorithms: ["HS256"],
      issuer,
      audience: issuer,
    },
    (claims: { sid: string }, done: (error: unknown, user: object | false) => void) =>
      done(null, database.findLive(claims.sid) ?? false),
  ),
);

const app = express();
app.get("/healthz", (_request, response) => void response.json({ status: "ok" }));
app.post("/login", express.json(), async (request, response) => {
  const { username, password } = request.body as { username: string; password: string };
  const user = database.findByUsername(username);
  if (!user || !(await compare(password, user.passwordHash))) {
    response.status(401).json({ error: "invalid_credentials" });
    return;
  }
  const claims = { sid: database.startSession(user.id) };
  const options = { algorithm: "HS256", issuer, audience: issuer, subject: user.id, expiresIn: "10m" } as const;
  response.json({ accessToken: jwt.sign(claims, secret, options) });
});
app.get("/users/me", passport.authenticate("jwt", { session: false }), (request, response) => {
  response.json(request.user);
});

const server = app.listen(Number(process.env["PORT"]), "127.0.0.1");
process.once("SIGTERM", () => {
  server.closeAllConnections();
  server.close(() => process.exit(0));
});
