import { expect, it } from "vitest";
import { startAppServer } from "../src/testing.ts";

it("docs/openapi.json is up to date with the contract", async () => {
  await using server = await startAppServer();
  const { body } = await server.app.inject({ url: "/openapi.json" });
  await expect(`${JSON.stringify(JSON.parse(body), null, 2)}\n`).toMatchFileSnapshot("../../../docs/openapi.json");
});
