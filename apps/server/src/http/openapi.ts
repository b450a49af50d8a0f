// Owns the OpenAPI 3.1 description of the REST surface: all of it from the contract, shapes by zod's own JSON
// Schema. Made once, and served from memory.

import {
  type Access,
  contract,
  type ErrorCode,
  errors,
  type Operation,
  operationsOf,
  scopeNames,
  scopes,
} from "@lockstep/contract";
import { z } from "zod";

type Json = { readonly [name: string]: unknown };

const passwordFlow = "OAuth2PasswordBearer";
const codeFlow = "OAuth2AuthorizationCode";
const bearer = "BearerToken";

/** Codes that a REST call can be answered with whatever its operation; the rest are RPC's own. */
const anyCall = ["MALFORMED_REQUEST", "INVALID_INPUT", "INTERNAL", "UNAVAILABLE"] as const satisfies ErrorCode[];
const anyGuardedCall = [
  "UNAUTHENTICATED",
  "INVALID_TOKEN",
  "INVALID_DPOP_PROOF",
  "DPOP_NONCE_NEEDED",
  "AMBIGUOUS_TOKEN",
] as const satisfies ErrorCode[];

/** What the operations of an area are about. */
const areas = {
  auth: "Signing in and out",
  user: "The signed-in user",
  account: "How the signed-in user signs in",
  session: "The signed-in user's sessions",
  authorization: "What an application asks for, and what is answered",
  grant: "What the signed-in user has allowed applications",
  application: "The applications that the signed-in user has registered",
  identity: "The signed-in user's accounts at providers",
  demo: "What a protected route looks like",
} satisfies Record<keyof typeof contract, string>;

export interface OpenApiOptions {
  readonly passwordGrant: boolean;
}

export const createOpenApi = ({ passwordGrant }: OpenApiOptions) => {
  const schemas: Record<string, Json> = {};
  const codes = new Set<string>();
  const paths: Record<string, Record<string, Json>> = {};
  for (const [path, operation] of operationsOf(contract)) {
    if (!operation.rest) continue;
    const method = operation.rest.method.toLowerCase();
    for (const code of codesOf(operation)) codes.add(code);
    paths[operation.rest.path] = {
      ...paths[operation.rest.path],
      [method]: describe(path, operation, schemas, passwordGrant),
    };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Lockstep",
      version: "0.1.0",
      description: "The operations of the contract that are found over REST.",
      license: { name: "MIT", identifier: "MIT" },
    },
    // Wherever this was read from: it may be reached by several names.
    servers: [{ url: "/" }],
    tags: Object.entries(areas).map(([name, description]) => ({ name, description })),
    paths: { ...paths, "/token": { post: tokenOperation(passwordGrant) } },
    components: {
      schemas: Object.fromEntries(
        Object.entries({ ...schemas, Problem: problemOf(codes) }).sort(([a], [b]) => a.localeCompare(b)),
      ),
      securitySchemes: {
        ...(passwordGrant && {
          [passwordFlow]: {
            type: "oauth2",
            description: "For this service's own apps: a username and a password, exchanged for a token.",
            flows: { password: { tokenUrl: "/token", refreshUrl: "/token", scopes } },
          },
        }),
        [codeFlow]: {
          type: "oauth2",
          description: "For everybody else's applications: a person allows what they ask for.",
          flows: {
            authorizationCode: { authorizationUrl: "/authorize", tokenUrl: "/token", refreshUrl: "/token", scopes },
          },
        },
        [bearer]: { type: "http", scheme: "bearer", bearerFormat: "JWT" },
      },
    },
  };
};

const describe = (path: string, operation: Operation, schemas: Record<string, Json>, passwordGrant: boolean): Json => {
  const input = jsonSchema(operation.input, "input", schemas);
  const properties = (input["properties"] ?? {}) as Record<string, Json>;
  const inPath = [...(operation.rest?.path.matchAll(/\{(\w+)\}/g) ?? [])].map(([, name]) => name ?? "");
  const asQuery = operation.rest?.method === "GET" || operation.rest?.method === "DELETE";
  const hasBody = !asQuery && Object.keys(properties).length > inPath.length;
  const parameters = [
    ...inPath.map((name) => ({ name, in: "path", required: true, schema: properties[name] ?? {} })),
    ...(asQuery ? Object.entries(properties) : [])
      .filter(([name]) => !inPath.includes(name))
      .map(([name, schema]) => ({
        name,
        in: "query",
        required: ((input["required"] ?? []) as string[]).includes(name),
        schema,
      })),
  ];
  return {
    operationId: path,
    tags: [path.split(".")[0] ?? path],
    summary: operation.summary,
    security: securityOf(operation.access, passwordGrant),
    ...(parameters.length > 0 && { parameters }),
    ...(hasBody && { requestBody: { required: true, content: { "application/json": { schema: input } } } }),
    responses: {
      200: {
        description: "Done",
        content: { "application/json": { schema: jsonSchema(operation.output, "output", schemas) } },
      },
      ...refusalsOf(operation),
    },
  };
};

/** RFC 6750 over each scheme: exactly the scopes that the access names. */
const securityOf = (access: Access, passwordGrant: boolean): Json[] => {
  if (access.kind === "anyone") return [];
  const needed = access.kind === "scoped" ? [...access.scopes] : [];
  return [
    ...(passwordGrant ? [{ [passwordFlow]: needed }] : []),
    // No scope opens an operation that is for our own apps.
    ...(access.kind === "scoped" ? [{ [codeFlow]: needed }] : []),
    { [bearer]: needed },
  ];
};

const codesOf = ({ access, errors: declared }: Operation): ErrorCode[] => {
  const codes: ErrorCode[] = [...anyCall, ...declared];
  if (access.kind !== "anyone") codes.push(...anyGuardedCall);
  if (access.kind === "scoped") codes.push("INSUFFICIENT_SCOPE", "USER_REQUIRED");
  if (access.kind === "firstParty") {
    codes.push("FIRST_PARTY_ONLY");
    if (access.role) codes.push("ROLE_REQUIRED");
    if (access.maxAgeSeconds !== undefined) codes.push("REAUTHENTICATION_REQUIRED");
  }
  return codes;
};

const refusalsOf = (operation: Operation): Record<number, Json> => {
  const byStatus = Map.groupBy(codesOf(operation), (code) => errors[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, some]) => [
      status,
      {
        description: some.map((code) => `\`${code}\`: ${errors[code].message}`).join(" "),
        content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
      },
    ]),
  );
};

/** `codes`: those that an operation of this description can be answered with. */
const problemOf = (codes: ReadonlySet<string>): Json => ({
  type: "object",
  description: "Problem details (RFC 9457)",
  required: ["type", "title", "status", "code", "requestId"],
  properties: {
    type: { type: "string" },
    title: { type: "string", description: "One sentence for a person" },
    status: { type: "integer" },
    code: { type: "string", enum: [...codes].sort(), description: "What to decide by" },
    requestId: { type: "string", description: "Names this call in the server's log" },
  },
});

const tokenRefusal: Json = {
  "application/json": {
    schema: {
      type: "object",
      required: ["error"],
      properties: { error: { type: "string" }, error_description: { type: "string" } },
    },
  },
};

const tokenOperation = (passwordGrant: boolean): Json => ({
  operationId: "token",
  tags: ["auth"],
  summary: passwordGrant
    ? "Get a token for a username and a password, for a refresh token, or as an application"
    : "Get a token for a refresh token, or as an application",
  security: [],
  requestBody: {
    required: true,
    content: {
      "application/x-www-form-urlencoded": {
        schema: {
          type: "object",
          properties: {
            grant_type: {
              type: "string",
              enum: [
                ...(passwordGrant ? ["password"] : []),
                "refresh_token",
                "authorization_code",
                "client_credentials",
                "urn:ietf:params:oauth:grant-type:device_code",
              ],
            },
            ...(passwordGrant && {
              username: { type: "string" },
              password: { type: "string", format: "password" },
            }),
            refresh_token: { type: "string" },
            code: { type: "string" },
            redirect_uri: { type: "string" },
            code_verifier: { type: "string" },
            device_code: { type: "string" },
            client_id: { type: "string", description: "Of an application; this service's own apps have none" },
            client_secret: { type: "string" },
            scope: { type: "string", description: `Space-separated, of: ${scopeNames.join(", ")}` },
          },
        },
      },
    },
  },
  responses: {
    200: {
      description: "A token (RFC 6749 §5.1)",
      content: {
        "application/json": {
          schema: {
            type: "object",
            required: ["access_token", "token_type", "expires_in", "scope"],
            properties: {
              access_token: { type: "string" },
              token_type: { type: "string", const: "bearer" },
              expires_in: { type: "integer", description: "Seconds" },
              refresh_token: { type: "string" },
              scope: { type: "string" },
            },
          },
        },
      },
    },
    400: { description: "Refused (RFC 6749 §5.2): `error` says why", content: tokenRefusal },
    401: { description: "`invalid_client`: the client is unknown or did not prove who it is", content: tokenRefusal },
  },
});

/** A schema as OpenAPI 3.1 takes it; shapes with a name of their own go to `components`. */
const jsonSchema = (schema: z.ZodType, io: "input" | "output", schemas: Record<string, Json>): Json => {
  const made = z.toJSONSchema(schema, {
    io,
    target: "draft-2020-12",
    unrepresentable: "any",
    // Strictness is not promised: what the contract does not know is cut off, not refused.
    override: ({ jsonSchema }) => {
      delete jsonSchema.additionalProperties;
    },
  });
  const {
    $defs = {},
    $schema: _,
    id: __,
    ...rest
  } = JSON.parse(JSON.stringify(made).replaceAll("#/$defs/", "#/components/schemas/")) as Json & {
    $defs?: Record<string, Json>;
    $schema?: string;
    id?: string;
  };
  for (const [name, { id: ___, ...definition }] of Object.entries($defs)) schemas[name] = definition;
  return rest;
};
