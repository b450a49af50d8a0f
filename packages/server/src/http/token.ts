// Owns `POST /token`. Requests of first-party clients, which have no client ID, are answered here: the password form of
// the FastAPI guide (RFC 6749 §4.3) and the refresh of its tokens (§6). Clients are answered by the authorization
// server, which has no password grant: RFC 9700 §2.4 forbids it for third-party clients, and one setting turns it off.
// Without a client ID, pages of other origins are refused.

import formbody from "@fastify/formbody";
import { isStorableText, LoginInput } from "@lockstep/kit";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Admission } from "../domain/admission/admission.ts";
import { refusalOf } from "../domain/kernel/domain-error.ts";
import { SecondStepNeeded, type SignedIn, type SignIn } from "../domain/sessions/sign-in.ts";
import type { Scopes } from "../domain/tokens/scopes.ts";
import { isForeignTo } from "./cookies.ts";
import { headerValues, sourceOf } from "./request.ts";

/** RFC 6749 §5.2, and §4.1.2.1 for `temporarily_unavailable`. */
type TokenErrorCode =
  | "invalid_request"
  | "invalid_client"
  | "invalid_grant"
  | "unauthorized_client"
  | "invalid_scope"
  | "unsupported_grant_type"
  | "temporarily_unavailable";

class TokenError extends Error {
  override readonly name = "TokenError";
  readonly code: TokenErrorCode;
  readonly status: number;
  readonly headers: Record<string, string>;

  constructor(code: TokenErrorCode, description: string, status = 400, headers: Record<string, string> = {}) {
    super(description);
    this.code = code;
    this.status = status;
    this.headers = headers;
  }
}

export interface TokenRoutesOptions {
  readonly publicUrl: string;
  readonly admission: Admission;
  readonly signIn: SignIn;
  readonly passwordGrant: boolean;
  readonly scopes: Scopes;
  readonly answerClient: (request: FastifyRequest, reply: FastifyReply, body: Buffer) => Promise<void>;
}

export const tokenRoutes =
  ({ publicUrl, admission, signIn, passwordGrant, scopes, answerClient }: TokenRoutesOptions) =>
  async (app: FastifyInstance) => {
    const isForeign = isForeignTo(publicUrl);
    app.removeAllContentTypeParsers();
    await app.register(formbody);

    app.post("/token", async (request, reply) => {
      if (isClient(request)) return answerClient(request, reply, Buffer.from(asForm(request)));
      // A page of another origin is not a first-party client, and must not be able to try passwords.
      if (isForeign(request))
        throw new TokenError("unauthorized_client", "A page of another origin must send its client_id");
      const form = readForm(request);
      const grant = form.get("grant_type") || "password";
      if (grant === "password" && passwordGrant)
        return answer(reply, await byPassword({ admission, signIn, scopes }, form, request));
      if (grant === "refresh_token") return answer(reply, await byRefreshToken({ signIn, scopes }, form, request));
      throw new TokenError("unsupported_grant_type", "The grant type is not supported");
    });
    app.route({
      method: ["GET", "PUT", "PATCH", "DELETE"],
      url: "/token",
      handler: async (_request, reply) => {
        reply.header("allow", "POST, OPTIONS");
        throw new TokenError("invalid_request", "Use POST", 405);
      },
    });

    app.setErrorHandler((error: FastifyError, request, reply) => {
      const refusal = asTokenError(error);
      if (!refusal) request.log.error({ err: error }, "a token request failed");
      else if (refusal.status === 503) request.log.warn({ err: error }, "a token request could not be served");
      const { status, headers, code, message } = refusal ?? {
        status: 500,
        headers: {},
        code: "server_error",
        message: "Internal server error",
      };
      return reply
        .code(status)
        .headers({ "cache-control": "no-store", pragma: "no-cache", ...headers })
        .send({ error: code, error_description: message });
    });
  };

type SignsIn = Pick<TokenRoutesOptions, "signIn" | "scopes">;

const byPassword = async (
  { admission, signIn, scopes }: SignsIn & Pick<TokenRoutesOptions, "admission">,
  form: Map<string, string>,
  request: FastifyRequest,
): Promise<SignedIn> => {
  const login = LoginInput.pick({ username: true, password: true }).safeParse(Object.fromEntries(form));
  if (!login.success) {
    const names = [...new Set(login.error.issues.map((issue) => issue.path.join(".")))];
    throw new TokenError("invalid_request", `Missing or invalid: ${names.join(", ")}`);
  }
  const asked = readScopes(form.get("scope"), scopes);
  const source = sourceOf(request);
  // A form can solve no challenge. Where one is needed, it is refused in words, or has to wait.
  const call = { kind: "sign_in", by: "password", login: login.data.username, solution: null, source } as const;
  const admitted = await admission.admit(call);
  const signedIn = await signIn.withPassword({ login: login.data, deviceToken: null, source, scopes: asked });
  admitted.succeeded();
  return signedIn;
};

const byRefreshToken = async (
  { signIn, scopes }: SignsIn,
  form: Map<string, string>,
  request: FastifyRequest,
): Promise<SignedIn> => {
  const refreshToken = form.get("refresh_token");
  if (!refreshToken) throw new TokenError("invalid_request", "Missing: refresh_token");
  const asked = readScopes(form.get("scope"), scopes);
  const signedIn = await signIn.withRefreshToken(refreshToken, sourceOf(request));
  // RFC 6749 §6: never more than was granted.
  if (asked?.some((scope) => !signedIn.scopes.includes(scope))) {
    throw new TokenError("invalid_scope", "The session does not have this scope");
  }
  return signedIn;
};

const answer = (reply: FastifyReply, signedIn: SignedIn) =>
  reply.headers({ "cache-control": "no-store", pragma: "no-cache" }).send({
    access_token: signedIn.accessToken,
    token_type: "bearer",
    expires_in: signedIn.accessTokenLifetimeSeconds,
    refresh_token: signedIn.refreshToken,
    scope: signedIn.scopes.join(" "),
  });

/** The form's parameters. An empty one counts as absent (RFC 6749 §3.2), and none may be repeated. */
const readForm = (request: FastifyRequest): Map<string, string> => {
  if (request.url.includes("?")) throw new TokenError("invalid_request", "Send the parameters in the body");
  const body = (request.body ?? {}) as Record<string, string | string[]>;
  const form = new Map<string, string>();
  for (const [name, value] of Object.entries(body)) {
    if (Array.isArray(value)) throw new TokenError("invalid_request", "A parameter is repeated");
    if (!isStorableText(name + value))
      throw new TokenError("invalid_request", "Parameters must not contain NUL characters");
    if (value.includes("\ufffd")) throw new TokenError("invalid_request", "The body is not UTF-8");
    if (value !== "") form.set(name, value);
  }
  return form;
};

/** Whether the request has a client ID, client authentication, or a grant type of clients. */
const isClient = (request: FastifyRequest): boolean => {
  const body = (request.body ?? {}) as Record<string, string | string[]>;
  const named = ["client_id", "client_secret", "client_assertion"].some((name) => (body[name] ?? "") !== "");
  const proven = headerValues(request, "authorization").some((value) => !isEmptyBasic(value));
  return named || proven || clientGrants.has(body["grant_type"]);
};

const clientGrants = new Set<unknown>([
  "authorization_code",
  "client_credentials",
  "urn:ietf:params:oauth:grant-type:device_code",
]);

/** The form, serialized again. */
const asForm = (request: FastifyRequest): string => {
  const body = (request.body ?? {}) as Record<string, string | string[]>;
  return new URLSearchParams(
    Object.entries(body).flatMap(([name, values]) => [values].flat().map((value): [string, string] => [name, value])),
  ).toString();
};

/** Generic OAuth forms send this without a client: `Basic` with an empty ID and an empty secret. */
const isEmptyBasic = (value: string) => /^basic +Og==$/i.test(value.trim());

const readScopes = (text: string | undefined, scopes: Scopes): string[] | null => {
  if (text === undefined) return null;
  const names = text.split(" ").filter(Boolean);
  if (!names.every(scopes.has)) throw new TokenError("invalid_scope", "Unknown scope");
  return names;
};

const asTokenError = (error: FastifyError | TokenError | SecondStepNeeded): TokenError | null => {
  if (error instanceof TokenError) return error;
  // There is no place for a second factor in RFC 6749 §4.3.
  if (error instanceof SecondStepNeeded)
    return new TokenError("invalid_grant", "This account needs a second factor: sign in on the web, or with a client");
  const refusal = refusalOf(error);
  if (refusal) {
    switch (refusal.code) {
      case "INVALID_CREDENTIALS":
        return new TokenError("invalid_grant", "The username or the password is wrong");
      case "DELETION_PENDING":
        return new TokenError("invalid_grant", "This account is to be deleted. Cancel that first");
      case "NOT_ADMITTED":
        return new TokenError("invalid_grant", (refusal.details as { explanation: string }).explanation);
      case "SESSION_ENDED":
        return new TokenError("invalid_grant", "The refresh token is not valid or no longer valid");
      case "TOO_MANY_ATTEMPTS":
      case "OVERLOADED":
      case "UNAVAILABLE": {
        const { retryAfterSeconds } = refusal.details as { retryAfterSeconds: number };
        const status = refusal.code === "TOO_MANY_ATTEMPTS" ? 429 : 503;
        const wait = { "retry-after": String(retryAfterSeconds) };
        return new TokenError("temporarily_unavailable", refusal.message, status, wait);
      }
    }
    return null;
  }
  if (error.statusCode === undefined || error.statusCode >= 500) return null;
  const description =
    error.statusCode === 415 ? "Send a form: application/x-www-form-urlencoded" : "The request could not be read";
  return new TokenError("invalid_request", description, error.statusCode === 413 ? 413 : 400);
};
