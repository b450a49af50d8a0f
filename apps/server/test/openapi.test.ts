import { expect, it } from "vitest";
import { startAppServer } from "../src/testing.ts";

it("docs/openapi.json is what the server says: a change of the contract shows in a review", async () => {
  await using server = await startAppServer();
  const { body } = await server.app.inject({ url: "/openapi.json" });
  await expect(`${JSON.stringify(JSON.parse(body), null, 2)}\n`).toMatchFileSnapshot("../../../docs/openapi.json");
});
