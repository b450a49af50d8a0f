// Owns the routes of the authorization server: which of them the library answers, and what is checked before.

import { isStorableText, type ProtocolPage } from "@lockstep/kit";
import type {
  FastifyError,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  HTTPMethods,
  onRequestHookHandler,
} from "fastify";
import { decodeProtectedHeader } from "jose";
import type { AdapterPayload, Provider } from "oidc-provider";
import { type Clients, isSecretOf, secretHash } from "../domain/clients/clients.ts";
import type { Source } from "../domain/kernel/audit.ts";
import { refusalOf } from "../domain/kernel/domain-error.ts";
import type { Keyring } from "../domain/tokens/keyring.ts";
import type { Scopes } from "../domain/tokens/scopes.ts";
import type { Tokens, VerifiedToken } from "../domain/tokens/tokens.ts";
import { duringCall } from "./call.ts";
import type { RegistrationPolicy } from "./configuration.ts";
import type { DeviceEntry } from "./device-entry.ts";
import { paths } from "./paths.ts";
import { withPublicClientId } from "./public-clients.ts";
import { forwardToAuthorizationServer } from "./requests.ts";
import { readWireRegistration } from "./wire-registration.ts";

/** The largest body: an assertion, a pushed request, several redirect URIs. */
const bodyLimitBytes = 56 * 1024;

const methodsByPath: Record<string, HTTPMethods[]> = {
  [paths.authorization]: ["GET"],
  [`${paths.authorization}/:uid`]: ["GET"],
  [paths.introspection]: ["POST", "OPTIONS"],
  [paths.revocation]: ["POST", "OPTIONS"],
  [paths.pushed_authorization_request]: ["POST", "OPTIONS"],
  [paths.device_authorization]: ["POST", "OPTIONS"],
  [paths.code_verification]: ["GET", "POST"],
  [`${paths.code_verification}/:uid`]: ["GET"],
  [paths.end_session]: ["GET"],
  [`${paths.end_session}/confirm`]: ["POST"],
  [`${paths.end_session}/success`]: ["GET"],
};

/** Browser clients of any origin may register themselves. The preflight is answered like that of `/token`. */
const registrationMethods: Record<string, HTTPMethods[]> = { [paths.registration]: ["POST"] };

/** Endpoints that receive a token, which may be a JWT that the library does not store. */
const takesToken = new Set<string>([paths.introspection, paths.revocation]);

/**
 * Endpoints that browsers may reach with a form (OpenID Connect Core §3.1.2.1, RP-Initiated Logout §2). A form of
 * another site sends none of our cookies (SameSite=Lax), so the browser is redirected to the same URL by GET, which
 * sends them.
 */
const takesForms = [paths.authorization, paths.end_session];

/** Limits of endpoints that store the parameters of anonymous requests. */
const sizeLimitsBytes: Readonly<Record<string, number>> = {
  [paths.authorization]: 4 * 1024,
  [paths.end_session]: 4 * 1024,
  [paths.device_authorization]: 4 * 1024,
  // Includes client authentication.
  [paths.pushed_authorization_request]: 16 * 1024,
};

const allMethods: HTTPMethods[] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** CORS for errors that are answered before the library. `http/cross-origin.ts` owns it. */
export interface CrossOrigin {
  /** Runs first on a route for which the library answers CORS. */
  readonly mark: onRequestHookHandler;
  readonly headers: Readonly<Record<string, string>>;
  /** For routes with the same answer for everybody. */
  readonly allowAny: onRequestHookHandler;
}

export interface AuthorizationServerRoutesOptions {
  readonly provider: () => Promise<Provider>;
  readonly keyring: Pick<Keyring, "find">;
  readonly tokens: Tokens;
  readonly clients: Clients;
  readonly scopes: Scopes;
  readonly publicUrl: string;
  readonly registration: RegistrationPolicy;
  readonly sourceOf: (request: FastifyRequest) => Source;
  readonly deviceEntry: DeviceEntry;
  readonly crossOrigin: CrossOrigin;
  /** The refresh token of our own web app in the requesting browser; `null`: none that counts. */
  readonly refreshTokenOf: (request: FastifyRequest, reply: FastifyReply) => string | null;
  readonly renderPage: (page: ProtocolPage) => Promise<string>;
}

export const authorizationServerRoutes = (options: AuthorizationServerRoutesOptions) => {
  const { provider, keyring, tokens, clients, publicUrl, registration, sourceOf, crossOrigin } = options;
  const url = new URL(publicUrl);
  // The library decides for each client who may read its answers. Refusals before it reveal nothing about a client.
  const corsOf = (path: string) => (methodsByPath[path]?.includes("OPTIONS") ? crossOrigin.headers : {});

  const answer = async (
    request: FastifyRequest,
    reply: FastifyReply,
    body: Buffer,
    wrongCode: () => void = () => {},
  ): Promise<void> => {
    const path = request.routeOptions.url ?? "";
    const query = queryOf(request);
    const tooLarge = problemOfSize(path, query.length + body.length);
    // RFC 9126 §2.3
    if (tooLarge !== null) return refuse(request, reply, tooLarge, body.length > 0 ? 413 : 400);
    const unusable = problemOfText(path, [query, String(body)]);
    if (unusable !== null) return refuse(request, reply, unusable);
    const { presented, form } = takesToken.has(path) ? await withoutJwt(tokens, body) : { presented: null, form: body };
    const report = (error: unknown) => request.log.error({ err: error }, "the authorization server failed");
    const sent = await withPublicClientId(clients, { headers: request.raw.headers, body: form });
    await learnKeyOfHint(keyring, request, form);
    await duringCall({ source: sourceOf(request), presented, report, wrongCode }, async () =>
      forwardToAuthorizationServer(await provider(), request, reply, url, sent),
    );
  };

  /** Refuses a request before the library reads it: as a page for people, as RFC 6749 JSON for programs. */
  const refuse = async (
    request: FastifyRequest,
    reply: FastifyReply,
    description: string,
    status: 400 | 413 = 400,
  ): Promise<void> => {
    const error = "invalid_request";
    reply
      .code(status)
      .headers(corsOf(request.routeOptions.url ?? ""))
      .header("cache-control", "no-store");
    if (!/\btext\/html\b/.test(request.headers.accept ?? ""))
      return void (await reply.send({ error, error_description: description }));
    await reply.type("text/html").send(await options.renderPage({ page: "error", error, description }));
  };

  /** Registrations are validated before the library, which misreads some JSON. */
  const answerRegistration = async (request: FastifyRequest, reply: FastifyReply, body: Buffer): Promise<void> => {
    const json = jsonObjectIn(body);
    // The library refuses it, with its own error.
    if (json === null || !mayRegister(options.registration, request)) return answer(request, reply, body);
    const read = readWireRegistration(json);
    const name = "error" in read ? undefined : read.registration["client_name"];
    const problem = typeof name === "string" ? await options.clients.nameProblem(name) : null;
    if ("error" in read || problem !== null) {
      const refusal = { error: "invalid_client_metadata", error_description: `client_name: ${problem}` };
      await reply
        .code(400)
        .header("cache-control", "no-store")
        .send("error" in read ? read : refusal);
      return;
    }
    await answer(request, reply, Buffer.from(JSON.stringify(withKnownScopes(read.registration, options.scopes))));
  };

  /** User codes are checked for signed-in people only, and within a limit. */
  const answerCode = async (request: FastifyRequest, reply: FastifyReply, body: Buffer): Promise<void> => {
    const entry = await options.deviceEntry.begin(options.refreshTokenOf(request, reply), sourceOf(request));
    if ("right" in entry) {
      let wrong = false;
      await answer(request, reply, body, () => {
        wrong = true;
      });
      if (!wrong) await entry.right();
      return;
    }
    const typed = new URLSearchParams(body.toString()).get("user_code");
    const page =
      entry.page === "device_wait" ? entry : { ...entry, userCode: typed === null ? null : typed.slice(0, 20) };
    if (entry.page === "device_wait") reply.code(429).header("retry-after", entry.seconds);
    await reply
      .header("cache-control", "no-store")
      .type("text/html")
      .send(await options.renderPage(page));
  };

  /** `preflighted`: another hook answers OPTIONS. When OPTIONS is among the methods, the library answers it. */
  const serve = (app: FastifyInstance, methodsByPath: Record<string, HTTPMethods[]>, { preflighted = false } = {}) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("*", { parseAs: "buffer", bodyLimit: bodyLimitBytes }, (_request, body, done) =>
      done(null, body),
    );
    for (const [path, methods] of Object.entries(methodsByPath)) {
      app.route({
        method: methods,
        url: path,
        exposeHeadRoute: false,
        ...(methods.includes("OPTIONS") && { onRequest: crossOrigin.mark }),
        handler: (request, reply) => {
          const isCode = path === paths.code_verification && request.method === "POST";
          const respond = isCode ? answerCode : path === paths.registration ? answerRegistration : answer;
          return respond(request, reply, Buffer.isBuffer(request.body) ? request.body : empty);
        },
      });
      app.route({
        method: allMethods.filter(
          (method) =>
            !methods.includes(method) &&
            !(preflighted && method === "OPTIONS") &&
            !(method === "POST" && takesForm(path)),
        ),
        url: path,
        handler: (_request, reply) =>
          reply
            .code(405)
            .headers(corsOf(path))
            .header("allow", [...methods, ...(takesForm(path) ? ["POST"] : [])].join(", "))
            .header("cache-control", "no-store")
            .send({ error: "invalid_request", error_description: "Method not allowed" }),
      });
    }
    app.setErrorHandler((error: FastifyError, request, reply) => {
      const { statusCode: status = 500 } = error;
      reply.headers(corsOf(request.routeOptions.url ?? ""));
      if (refusalOf(error)?.code === "UNAVAILABLE") throw error;
      if (status >= 500) request.log.error({ err: error }, "a request to the authorization server failed");
      const refusal =
        status < 500
          ? { error: "invalid_request", error_description: "The request could not be read" }
          : { error: "server_error", error_description: "Internal server error" };
      return reply.code(status).header("cache-control", "no-store").send(refusal);
    });
  };

  const plugin = async (app: FastifyInstance) => {
    serve(app, methodsByPath);
    for (const path of takesForms) {
      app.post(path, async (request, reply) => {
        const type = request.headers["content-type"]?.split(";")[0]?.trim().toLowerCase();
        if (type !== "application/x-www-form-urlencoded" || request.url.includes("?")) {
          return reply.code(400).header("cache-control", "no-store").send({
            error: "invalid_request",
            error_description: "Send a form (application/x-www-form-urlencoded) and no query",
          });
        }
        const form = new URLSearchParams(Buffer.isBuffer(request.body) ? request.body.toString() : "");
        // Percent-encoding may have made the form longer.
        const tooLarge = problemOfSize(path, String(form).length);
        if (tooLarge !== null) return refuse(request, reply, tooLarge, 413);
        // 303 turns it into a GET; 307 would send the form again (RFC 9700 §4.12).
        return reply.header("cache-control", "no-store").redirect(`${publicUrl}${path}?${form}`, 303);
      });
    }

    // Discovery documents change only with the keys, and then the library's instance is another one.
    const discoveries = new WeakMap<Provider, Map<string, Promise<string>>>();
    for (const path of ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"]) {
      app.get(path, { onRequest: crossOrigin.allowAny }, async (_request, reply) => {
        const library = await provider();
        const known = discoveries.get(library) ?? new Map<string, Promise<string>>();
        discoveries.set(library, known);
        const made = known.get(path) ?? discoveryOf(library, url, path);
        known.set(path, made);
        return reply
          .header("cache-control", "public, max-age=60")
          .type("application/json")
          .send(await made);
      });
    }
  };

  const registrationPlugin = async (app: FastifyInstance) => {
    if (registration !== "off") serve(app, registrationMethods, { preflighted: true });
  };

  return { plugin, registrationPlugin, answer };
};

/** Parameters of client authentication: whatever is wrong there is `invalid_client` (RFC 6749 §5.2). */
const clientAuthentication = new Set(["client_id", "client_secret", "client_assertion", "client_assertion_type"]);

/**
 * Why a query or form with a NUL character is refused (RFC 6749 appendix A). `null`: it contains none, or the library
 * refuses the client first.
 */
const problemOfText = (path: string, forms: readonly string[]): string | null => {
  // The device page reports such a user code as unknown; a registration is JSON.
  if (path === paths.code_verification || path === paths.registration) return null;
  const parameters = forms.filter((form) => /%00|\0/.test(form)).flatMap((form) => [...new URLSearchParams(form)]);
  const refused = parameters
    // A token with NUL is an unknown token (RFC 7009 §2.2, RFC 7662 §2.2).
    .filter(([name, value]) => name !== "token" && !isStorableText(name + value))
    .map(([name]) => name);
  const [name] = refused;
  if (name === undefined || refused.some((each) => clientAuthentication.has(each))) return null;
  // RFC 6749 §5.2: printable ASCII.
  return `${/^[\w.-]{1,100}$/.test(name) ? name : "A parameter"} must not contain NUL characters`;
};

/** Why parameters of this size are refused before they are stored. `null`: they are not. */
const problemOfSize = (path: string, sizeBytes: number): string | null => {
  const limitBytes = sizeLimitsBytes[path];
  if (limitBytes === undefined || sizeBytes <= limitBytes) return null;
  const advice = path === paths.authorization ? ". Push them first (RFC 9126)" : "";
  return `The parameters are larger than ${limitBytes} bytes${advice}`;
};

const queryOf = ({ url }: FastifyRequest): string => (url.includes("?") ? url.slice(url.indexOf("?") + 1) : "");

const takesForm = (path: string) => takesForms.some((each) => each === path);

const empty = Buffer.alloc(0);

/**
 * The library verifies an ID token hint with the keys of its instance. The hint may be signed by a key that another
 * server added a moment ago: looking it up adds it to the key ring, and the next instance has it.
 */
const learnKeyOfHint = async (keyring: Pick<Keyring, "find">, request: FastifyRequest, form: Buffer) => {
  const { id_token_hint: inQuery } = request.query as { id_token_hint?: unknown };
  const inForm = form.includes("id_token_hint") ? new URLSearchParams(form.toString()).get("id_token_hint") : null;
  const hint = inQuery ?? inForm;
  const kid = typeof hint === "string" ? keyIdOf(hint) : undefined;
  if (kid !== undefined) await keyring.find(kid);
};

const keyIdOf = (jwt: string): string | undefined => {
  try {
    return decodeProtectedHeader(jwt).kid;
  } catch {
    // The library reports what is wrong with it.
    return undefined;
  }
};

/**
 * The library stores no JWTs, and does not accept one here. It gets the token's ID instead or, if the token is not a
 * valid one of ours, an ID that does not exist.
 */
const withoutJwt = async (
  tokens: Tokens,
  body: Buffer,
): Promise<{ presented: AdapterPayload | null; form: Buffer }> => {
  const form = new URLSearchParams(body.toString());
  const given = form.getAll("token");
  const [token = ""] = given;
  if (given.length !== 1 || !token.includes(".")) return { presented: null, form: body };
  const claims = await tokens.verify(token);
  const presented = claims && claims.kind !== "session" ? storedForm(claims) : null;
  form.set("token", presented?.jti ?? "unknown");
  return { presented, form: Buffer.from(form.toString()) };
};

/**
 * Registrations name scopes of other services too, or none. Unknown scopes are removed; a client that names none of
 * ours may ask for all (RFC 7591 §2). The library would refuse the former, and store no scope for the latter.
 */
const withKnownScopes = (registration: Record<string, unknown>, scopes: Scopes): Record<string, unknown> => {
  const known = scopes.grantableIn(registration["scope"]);
  const kept = known.length > 0 ? known : scopes.grantableNames;
  // A client with refresh tokens may ask for `offline_access`.
  const refreshes = (registration["grant_types"] as string[] | undefined)?.includes("refresh_token") ?? true;
  const scope = [...new Set([...kept, ...(refreshes ? ["offline_access"] : [])])].join(" ");
  return { ...registration, scope };
};

const jsonObjectIn = (body: Buffer): Record<string, unknown> | null => {
  try {
    const read: unknown = JSON.parse(body.toString());
    return typeof read === "object" && read !== null && !Array.isArray(read) ? (read as Record<string, unknown>) : null;
  } catch {
    return null;
  }
};

/** Whether this request may register a client. */
const mayRegister = (policy: RegistrationPolicy, { headers }: FastifyRequest): boolean =>
  typeof policy === "object"
    ? isSecretOf(secretHash(policy.token), headers.authorization?.replace(/^Bearer /i, "") ?? "")
    : policy === "open";

/** The record that the library would have stored for an access token. */
const storedForm = (claims: Exclude<VerifiedToken, { kind: "session" }>): AdapterPayload => ({
  kind: claims.kind === "grant" ? "AccessToken" : "ClientCredentials",
  jti: claims.tokenId,
  clientId: claims.clientId,
  scope: claims.scopes.join(" "),
  aud: claims.audience,
  iat: Math.floor(claims.issuedAt / 1000),
  exp: Math.floor(claims.expiresAt / 1000),
  ...(claims.kind === "grant" && { accountId: claims.userId, grantId: claims.grantId }),
  ...(claims.thumbprint !== null && { jkt: claims.thumbprint }),
});

/** Fetched once through the library and cached. */
const discoveryOf = async (provider: Provider, publicUrl: URL, path: string): Promise<string> => {
  const { inject } = await import("light-my-request");
  const answer = await inject(provider.callback(), {
    method: "GET",
    url: path,
    headers: { host: publicUrl.host, "x-forwarded-proto": publicUrl.protocol.slice(0, -1) },
  });
  if (answer.statusCode !== 200) throw new Error(`The authorization server returned no metadata: ${answer.payload}`);
  return answer.payload;
};
