// tRPC with its own Fastify adapter and `jose`, as their documentation describes: HS256, the token verified in
// `createContext`, the session read in a middleware, the answer cut by an output parser.

import { randomBytes } from "node:crypto";
import { compare } from "@node-rs/bcrypt";
import { initTRPC, TRPCError } from "@trpc/server";
import { type CreateFastifyContextOptions, fastifyTRPCPlugin } from "@trpc/server/adapters/fastify";
import Fastify from "fastify";
import { jwtVerify, SignJWT } from "jose";
import { z } from "zod";
import { openPeerDatabase } from "./peer-database.ts";

const database = openPeerDatabase(process.env["DATABASE_FILE"] ?? "");
const secret = randomBytes(32);
const issuer = process.env["PUBLIC_URL"] ?? "";

const createContext = async ({ req }: CreateFastifyContextOptions) => {
  const token = req.headers.authorization?.split(" ")[1];
  if (token === undefined) return { sessionId: null };
  try {
    const { payload } = await jwtVerify(token, secret, { algorithms: ["HS256"], issuer, audience: issuer });
    return { sessionId: String(payload["sid"]) };
  } catch {
    return { sessionId: null };
  }
};

const t = initTRPC.context<typeof createContext>().create();

const signedIn = t.procedure.use(({ ctx, next }) => {
  const user = ctx.sessionId === null ? null : database.findLive(ctx.sessionId);
  if (!user) throw new TRPCError({ code: "UNAUTHORIZED" });
  return next({ ctx: { user } });
});

const User = z.object({
  id: z.string(),
  username: z.string(),
  email: z.string().nullable(),
  fullName: z.string(),
  role: z.string(),
  disabled: z.boolean(),
  createdAt: z.number(),
});

const router = t.router({
  auth: t.router({
    login: t.procedure
      .input(z.object({ username: z.string(), password: z.string() }))
      .mutation(async ({ input: { username, password } }) => {
        const user = database.findByUsername(username);
        if (!user || !(await compare(password, user.passwordHash))) throw new TRPCError({ code: "UNAUTHORIZED" });
        const accessToken = await new SignJWT({ sid: database.startSession(user.id) })
          .setProtectedHeader({ alg: "HS256" })
          .setIssuer(issuer)
          .setAudience(issuer)
          .setSubject(user.id)
          .setExpirationTime("10m")
          .sign(secret);
        return { accessToken };
      }),
  }),
  user: t.router({ me: signedIn.output(User).query(({ ctx }) => ctx.user as unknown as z.input<typeof User>) }), // a row of this peer's own table; the output schema checks it
});

const app = Fastify({ routerOptions: { maxParamLength: 5000 } });
app.get("/healthz", async () => ({ status: "ok" }));
await app.register(fastifyTRPCPlugin, { prefix: "/trpc", trpcOptions: { router, createContext } });

await app.listen({ port: Number(process.env["PORT"]), host: "127.0.0.1" });
process.once("SIGTERM", () => void app.close().then(() => process.exit(0)));
