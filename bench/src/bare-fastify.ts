// The upper limit for a call: Fastify that answers the same JSON as user.me, or a refusal, and does nothing else.

import Fastify from "fastify";

const app = Fastify();
const user = {
  id: "KDUNzZfGYC8kmDCIh9gXbQ",
  username: "john",
  email: "john@example.com",
  fullName: "John Doe",
  role: "user",
  disabled: false,
  createdAt: 1_795_441_415_893,
};

app.get("/healthz", async () => ({ status: "ok" }));
app.get("/me", async () => ({ result: { data: user } }));
app.get("/refused", async (_request, reply) => reply.code(401).send({ error: { message: "Sign in first." } }));

await app.listen({ port: Number(process.env["PORT"]), host: "127.0.0.1" });
process.once("SIGTERM", () => void app.close());
