// Owns the OpenAPI 3.1 description of the REST API: derived from the contract, with zod's JSON Schema. Created once,
// and served from memory.

import {
  type Access,
  type AnyContract,
  type Assurance,
  accessErrorCodesOf,
  type Brand,
  type EngineErrorCode,
  engineAreas,
  type Operation,
  operationsOf,
} from "@lockstep/kit";
import { z } from "zod";

type Json = { readonly [name: string]: unknown };

const passwordFlow = "OAuth2PasswordBearer";
const codeFlow = "OAuth2AuthorizationCode";
const bearer = "BearerToken";

/** Codes with which any REST call can be answered. The others are RPC's. */
const anyCall = ["MALFORMED_REQUEST", "INVALID_INPUT", "INTERNAL", "UNAVAILABLE"] as const satisfies EngineErrorCode[];
export interface OpenApiOptions {
  readonly brand: Brand;
  readonly contract: AnyContract;
  readonly publicUrl: string;
  /** The contact for developers: an e-mail address or a URL. `null`: the service's own URL. */
  readonly contact: string | null;
  readonly passwordGrant: boolean;
}

export const createOpenApi = ({ brand, contract, publicUrl, contact, passwordGrant }: OpenApiOptions) => {
  const { scopes } = contract;
  const areas: Readonly<Record<string, string>> = { ...engineAreas, ...contract.areas };
  const schemas: Record<string, Json> = {};
  const codes = new Set<string>();
  const paths: Record<string, Record<string, Json>> = {};
  for (const [path, operation] of operationsOf(contract.operations)) {
    if (!operation.rest) continue;
    const method = operation.rest.method.toLowerCase();
    for (const code of codesOf(operation)) codes.add(code);
    paths[operation.rest.path] = {
      ...paths[operation.rest.path],
      [method]: describe(path, operation, schemas, { contract, passwordGrant }),
    };
  }
  const allPaths = { ...paths, "/token": { post: tokenOperation(passwordGrant, Object.keys(scopes)) } };
  const used = new Set(
    Object.values(allPaths)
      .flatMap(Object.values)
      .flatMap(({ tags }) => tags),
  );
  const tokenUrl = `${publicUrl}/token`;
  return {
    openapi: "3.1.0",
    info: {
      title: brand.name,
      version: "0.1.0",
      description: [
        `The REST API of ${brand.name}. Send an access token in the \`Authorization\` header: \`Bearer <token>\`.`,
        "A client gets one from the OAuth 2 authorization code flow with PKCE, and can do what a user granted it.",
        "Errors are problem details (RFC 9457): decide by `code`. Those of `/token` are OAuth's (RFC 6749 §5.2).",
      ].join("\n\n"),
      contact: {
        name: brand.name,
        ...(contact?.includes("@") ? { email: contact } : { url: contact ?? publicUrl }),
      },
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: publicUrl, description: brand.name }],
    tags: Object.entries(areas)
      .filter(([name]) => used.has(name))
      .map(([name, description]) => ({ name, description })),
    paths: allPaths,
    components: {
      schemas: Object.fromEntries(
        Object.entries({ ...schemas, Problem: problemOf(codes) }).sort(([a], [b]) => a.localeCompare(b)),
      ),
      securitySchemes: {
        ...(passwordGrant && {
          [passwordFlow]: {
            type: "oauth2",
            description: "For first-party clients: a username and a password, exchanged for a token.",
            flows: { password: { tokenUrl, refreshUrl: tokenUrl, scopes } },
          },
        }),
        [codeFlow]: {
          type: "oauth2",
          description: "For third-party clients: a user grants the requested scopes.",
          flows: {
            authorizationCode: { authorizationUrl: `${publicUrl}/authorize`, tokenUrl, refreshUrl: tokenUrl, scopes },
          },
        },
        [bearer]: {
          type: "http",
          scheme: "bearer",
          bearerFormat: "JWT",
          description: "An access token that you have already.",
        },
      },
    },
  };
};

const describe = (
  path: string,
  operation: Operation,
  schemas: Record<string, Json>,
  { contract, passwordGrant }: Pick<OpenApiOptions, "contract" | "passwordGrant">,
): Json => {
  const input = jsonSchema(operation.input, "input", schemas);
  const properties = (input["properties"] ?? {}) as Record<string, Json>;
  const inPath = [...(operation.rest?.path.matchAll(/\{(\w+)\}/g) ?? [])].map(([, name]) => name ?? "");
  const asQuery = operation.rest?.method === "GET" || operation.rest?.method === "DELETE";
  const hasBody = !asQuery && Object.keys(properties).length > inPath.length;
  const parameters = [
    ...inPath.map((name) => ({ name, in: "path", required: true, ...described(properties[name] ?? {}) })),
    ...(asQuery ? Object.entries(properties) : [])
      .filter(([name]) => !inPath.includes(name))
      .map(([name, schema]) => ({
        name,
        in: "query",
        required: ((input["required"] ?? []) as string[]).includes(name),
        ...described(schema),
      })),
  ];
  return {
    operationId: path,
    tags: [path.split(".")[0] ?? path],
    summary: operation.summary,
    description: whoMayCall(operation.access, contract),
    security: securityOf(operation.access, passwordGrant),
    ...(parameters.length > 0 && { parameters }),
    ...(hasBody && { requestBody: { required: true, content: { "application/json": { schema: input } } } }),
    responses: {
      200: {
        description: "Done",
        content: { "application/json": { schema: jsonSchema(operation.output, "output", schemas) } },
      },
      ...refusalsOf(operation, contract),
    },
  };
};

/** OpenAPI puts a parameter's description beside its schema. */
const described = ({ description, ...schema }: Json): Json => ({
  ...(description !== undefined && { description }),
  schema,
});

/** An operation's access in words. */
const whoMayCall = (access: Access, { scopes }: AnyContract): string => {
  switch (access.kind) {
    case "anyone":
      return "Open to anyone.";
    case "scoped":
      return [
        `Needs an access token with the scope ${access.scopes.map((scope) => `\`${scope}\` (${scopes[scope]})`).join(" and ")}.`,
        ...assuranceInWords(access.assurance),
      ].join(" ");
    case "firstParty":
      return [
        "For first-party clients: requires the access token of a session. Tokens of third-party clients are refused.",
        ...(access.role ? [`The user needs the role \`${access.role}\`.`] : []),
        ...assuranceInWords(access.assurance),
      ].join(" ");
  }
};

const assuranceInWords = ({ factors, phishingResistant, maxAgeSeconds }: Assurance = {}): string[] => {
  const proof = phishingResistant ? "a passkey" : factors === 2 ? "two factors" : null;
  if (proof === null) {
    return maxAgeSeconds === undefined ? [] : [`The user must have signed in at most ${maxAgeSeconds} seconds ago.`];
  }
  return [
    `The user must have proved ${proof}${maxAgeSeconds === undefined ? "" : ` at most ${maxAgeSeconds} seconds ago`}.`,
  ];
};

/** The security requirement for each scheme: exactly the scopes of the access. */
const securityOf = (access: Access, passwordGrant: boolean): Json[] => {
  if (access.kind === "anyone") return [];
  const needed = access.kind === "scoped" ? [...access.scopes] : [];
  return [
    ...(passwordGrant ? [{ [passwordFlow]: needed }] : []),
    // No scope allows a first-party operation.
    ...(access.kind === "scoped" ? [{ [codeFlow]: needed }] : []),
    { [bearer]: needed },
  ];
};

const codesOf = ({ access, errors }: Operation): readonly string[] => [
  ...anyCall,
  ...errors,
  ...accessErrorCodesOf(access),
];

const refusalsOf = (operation: Operation, { errors }: AnyContract): Record<number, Json> => {
  const declared = codesOf(operation).flatMap((code) => (errors[code] ? { code, ...errors[code] } : []));
  return Object.fromEntries(
    [...Map.groupBy(declared, ({ status }) => status)].map(([status, some]) => [
      status,
      {
        description: some.map(({ code, message }) => `\`${code}\`: ${message}`).join(" "),
        content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
      },
    ]),
  );
};

/** `codes`: the errors of an operation. */
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

/** The errors of `/token`; `headers` by their description. */
const tokenRefusal = (description: string, codes: readonly string[], headers: Record<string, string> = {}): Json => ({
  description,
  ...(Object.keys(headers).length > 0 && {
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, words]) => [name, { description: words, schema: { type: "string" } }]),
    ),
  }),
  content: {
    "application/json": {
      schema: {
        type: "object",
        required: ["error"],
        properties: {
          error: { type: "string", enum: codes, description: "What to decide by" },
          error_description: { type: "string", description: "One sentence for a developer" },
        },
      },
    },
  },
});

const retryAfter = { "Retry-After": "Seconds to wait before trying again" };

const tokenOperation = (passwordGrant: boolean, scopeNames: readonly string[]): Json => ({
  operationId: "token",
  tags: ["auth"],
  summary: passwordGrant
    ? "Get a token for a username and a password, for a refresh token, or as a client"
    : "Get a token for a refresh token, or as a client",
  description:
    "OAuth 2's token endpoint (RFC 6749 §3.2). A client sends its `client_id`, and authenticates by HTTP Basic, in the form or by a signed assertion if it has a secret or a key.",
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
            refresh_token: { type: "string", description: "For `refresh_token`: good once" },
            code: { type: "string", description: "For `authorization_code`: what the person came back with" },
            redirect_uri: { type: "string", description: "For `authorization_code`: as it was sent to `/authorize`" },
            code_verifier: { type: "string", description: "For `authorization_code`: of PKCE (RFC 7636)" },
            device_code: { type: "string", description: "For a device code: what `/device/authorize` answered" },
            client_id: { type: "string", description: "Of a third-party client; first-party clients have none" },
            client_secret: { type: "string", description: "Of a client that is registered with one" },
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
    400: tokenRefusal("Refused (RFC 6749 §5.2, RFC 8628 §3.5): `error` says why", [
      ...["invalid_request", "invalid_grant", "invalid_scope", "invalid_target", "unauthorized_client"],
      ...["unsupported_grant_type", "authorization_pending", "slow_down", "expired_token", "access_denied"],
      ...["invalid_dpop_proof", "use_dpop_nonce"],
    ]),
    401: tokenRefusal("The client is unknown, or did not prove who it is", ["invalid_client"], {
      "WWW-Authenticate": "How a client authenticates, when it tried by the `Authorization` header",
    }),
    429: tokenRefusal("Too many wrong passwords", ["temporarily_unavailable"], retryAfter),
    503: tokenRefusal("The service cannot answer for the moment", ["temporarily_unavailable"], retryAfter),
  },
});

/** A schema for OpenAPI 3.1. Named shapes go to `components`. */
const jsonSchema = (schema: z.ZodType, io: "input" | "output", schemas: Record<string, Json>): Json => {
  const made = z.toJSONSchema(schema, {
    io,
    target: "draft-2020-12",
    unrepresentable: "any",
    // Unknown properties are removed, not refused.
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
