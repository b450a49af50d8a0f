import Fastify from "fastify";
import { expect, it } from "vitest";
import { answerFailure } from "./failure.ts";

const app = Fastify();
app.setErrorHandler(answerFailure(async () => "a page"));
app.get("/bug", () => {
  throw new Error("connect ECONNREFUSED 10.0.0.7:5432");
});
app.route({ method: "POST", url: "/", handler: () => ({}) });

it("a bug is answered in the contract's shape, and its message is only logged", async () => {
  const { statusCode, payload } = await app.inject("/bug");
  expect([statusCode, JSON.parse(payload)]).toMatchObject([500, { error: { data: { code: "INTERNAL" } } }]);
  expect(payload).not.toContain("ECONNREFUSED");
});

it("a request that Fastify cannot parse is answered in the contract's shape", async () => {
  const headers = { "content-type": "application/json" };
  const { statusCode, payload } = await app.inject({ method: "POST", url: "/", headers, payload: "{" });
  expect([statusCode, JSON.parse(payload)]).toMatchObject([400, { error: { data: { code: "MALFORMED_REQUEST" } } }]);
});
