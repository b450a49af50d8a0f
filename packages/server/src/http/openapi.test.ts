import { operationsOf } from "@lockstep/kit";
import { createConfig, lintFromString, type RawUniversalConfig } from "@redocly/openapi-core";
import { describe, expect, it } from "vitest";
import { fixtureApp, fixtureContract } from "../fixture-app.ts";
import { startTestServer } from "../testing.ts";
import { createOpenApi } from "./openapi.ts";

const options = {
  brand: fixtureApp.brand,
  contract: fixtureContract,
  publicUrl: "http://localhost:3000",
  contact: null,
  passwordGrant: true,
};
const made = createOpenApi(options);

interface Described {
  readonly operationId: string;
  readonly description?: string;
  readonly tags: string[];
  readonly parameters?: { readonly name: string; readonly description?: string }[];
}

interface TokenRefusal {
  readonly headers?: object;
  readonly content: {
    readonly "application/json": { readonly schema: { readonly properties: { readonly error: { enum: string[] } } } };
  };
}

/** As a reader parses it. */
const operations = Object.values(
  JSON.parse(JSON.stringify(made.paths)) as Record<string, Record<string, Described>>,
).flatMap((methods) => Object.values(methods));

describe("/openapi.json", () => {
  it("is served from memory, to anyone", async () => {
    await using server = await startTestServer();
    const { statusCode, headers, body } = await server.app.inject({ url: "/openapi.json" });
    expect([statusCode, headers["access-control-allow-origin"]]).toEqual([200, "*"]);
    expect(JSON.parse(body)).toMatchObject({ openapi: "3.1.0", servers: [{ url: server.config.publicUrl }] });
  });

  it("passes the linter", async () => {
    const config = await createConfig({ extends: ["recommended"] } satisfies RawUniversalConfig);
    // The linter refuses localhost and example.com as a server.
    const published = createOpenApi({ ...options, publicUrl: "https://api.lockstep.test" });
    const problems = await lintFromString({ source: JSON.stringify(published), config });
    expect(problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer}`)).toEqual(
      [],
    );
  });

  it("has absolute URLs, from the public URL", () => {
    const { servers, components } = createOpenApi({ ...options, publicUrl: "https://api.example.com" });
    expect(servers.map(({ url }) => url)).toEqual(["https://api.example.com"]);
    const tokenUrl = "https://api.example.com/token";
    const flow = { tokenUrl, refreshUrl: tokenUrl };
    expect(components.securitySchemes).toMatchObject({
      OAuth2PasswordBearer: { flows: { password: flow } },
      OAuth2AuthorizationCode: {
        flows: { authorizationCode: { ...flow, authorizationUrl: "https://api.example.com/authorize" } },
      },
    });
  });

  it("has title, licence and contact", () => {
    expect(made.info).toMatchObject({
      description: expect.stringContaining("Authorization"),
      license: { name: "MIT" },
      contact: { url: options.publicUrl },
    });
    expect(createOpenApi({ ...options, contact: "api@example.com" }).info.contact).toEqual({
      name: "Lockstep",
      email: "api@example.com",
    });
    const page = "https://example.com/support";
    expect(createOpenApi({ ...options, contact: page }).info.contact).toEqual({ name: "Lockstep", url: page });
  });

  it("describes every operation, parameter and security scheme", () => {
    for (const { operationId, description, parameters = [] } of operations) {
      expect({ operationId, description }).toEqual({ operationId, description: expect.stringMatching(/\.$/) });
      for (const { name, description } of parameters)
        expect({ operationId, name, description }).toEqual({ operationId, name, description: expect.any(String) });
    }
    for (const scheme of Object.values(made.components.securitySchemes))
      expect(scheme).toMatchObject({ description: expect.any(String) });
  });

  it("has a description for each group, and no group without an operation", () => {
    const used = operations.flatMap(({ tags }) => tags);
    expect(made.tags.map(({ name }) => name).sort()).toEqual([...new Set(used)].sort());
    for (const tag of made.tags) expect(tag).toMatchObject({ description: expect.any(String) });
  });

  it("lists the errors of the token endpoint, with Retry-After", () => {
    const { responses } = made.paths["/token"].post as { responses: Record<string, TokenRefusal> };
    const codesOf = (status: number) => responses[status]?.content["application/json"].schema.properties.error.enum;
    // RFC 6749 §5.2
    expect(codesOf(400)).toEqual(expect.arrayContaining(["invalid_request", "invalid_grant", "invalid_scope"]));
    expect(codesOf(401)).toEqual(["invalid_client"]);
    for (const status of [429, 503]) {
      expect(codesOf(status)).toEqual(["temporarily_unavailable"]);
      expect(responses[status]?.headers).toHaveProperty("Retry-After");
    }
  });

  it("has every operation that declares a path, with exactly the scopes of its access", () => {
    for (const [path, { rest, access, summary }] of operationsOf(fixtureContract.operations)) {
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
});
