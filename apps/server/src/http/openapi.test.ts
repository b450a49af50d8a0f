import { contract, operationsOf } from "@lockstep/contract";
import { createConfig, lintFromString, type RawUniversalConfig } from "@redocly/openapi-core";
import { describe, expect, it } from "vitest";
import { startTestServer } from "../testing.ts";
import { createOpenApi } from "./openapi.ts";

const made = createOpenApi({ passwordGrant: true });

describe("/openapi.json", () => {
  it("is served from memory, to anyone", async () => {
    await using server = await startTestServer();
    const { statusCode, headers, body } = await server.app.inject({ url: "/openapi.json" });
    expect([statusCode, headers["access-control-allow-origin"]]).toEqual([200, "*"]);
    expect(JSON.parse(body)).toMatchObject({ openapi: "3.1.0", servers: [{ url: "/" }] });
  });

  it("lints clean", async () => {
    const config = await createConfig({ extends: ["recommended"] } satisfies RawUniversalConfig);
    const problems = await lintFromString({ source: JSON.stringify(made), config });
    expect(problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer}`)).toEqual(
      [],
    );
  });

  it("has every operation that declares a path, with exactly the scopes of its access", () => {
    for (const [path, { rest, access, summary }] of operationsOf(contract)) {
      if (!rest) continue;
      const described = made.paths[rest.path as "/token"]?.[rest.method.toLowerCase() as "post"];
      const scopes = access.kind === "scoped" ? [...access.scopes] : [];
      expect(described).toMatchObject({
        operationId: path,
        summary,
        security: [
          { OAuth2PasswordBearer: scopes },
          ...(access.kind === "scoped" ? [{ OAuth2AuthorizationCode: scopes }] : []),
          { BearerToken: scopes },
        ],
      });
    }
  });

  it("changes only where a review sees it: docs/openapi.json is what the contract says", async () => {
    await expect(`${JSON.stringify(made, null, 2)}\n`).toMatchFileSnapshot("../../../../docs/openapi.json");
  });
});
