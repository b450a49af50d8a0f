// Owns the errors that a call can fail with: HTTP status, message, and the shape of the details. An operation names its
// own errors; the others follow from the transport and from its access. An app adds its own in its contract. OAuth's
// spellings (RFC 6750) are in the challenge.

import { z } from "zod";
import type { Access, Anyone, Assured, Scoped } from "./access.ts";
import { Challenge } from "./challenges.ts";
import { ProofRefusalReason } from "./proofs.ts";
import { SessionEndReason } from "./sessions.ts";

/** The HTTP statuses that an error can have: those for which tRPC has a code. */
export type ErrorStatus =
  | 400
  | 401
  | 402
  | 403
  | 404
  | 405
  | 408
  | 409
  | 412
  | 413
  | 415
  | 422
  | 428
  | 429
  | 431
  | 499
  | 500
  | 501
  | 502
  | 503
  | 504;

/** One error that a call can fail with. */
export interface ErrorDeclaration {
  readonly status: ErrorStatus;
  /** One sentence that explains the error. */
  readonly message: string;
  /** The details: an object, empty when there is nothing to add. */
  readonly details: z.core.SomeType;
}

/** Errors by code. Codes are SCREAMING_SNAKE. */
export type Errors = Readonly<Record<string, ErrorDeclaration>>;

const none = z.object({});

/** The engine's errors. `composeContract` includes them. */
export const engineErrors = {
  // Transport: any operation can fail with these.
  MALFORMED_REQUEST: { status: 400, message: "The request could not be read.", details: none },
  INVALID_INPUT: {
    status: 400,
    message: "The input is not valid.",
    details: z.object({
      issues: z.array(z.object({ path: z.array(z.union([z.string(), z.number()])), message: z.string() })),
    }),
  },
  OPERATION_NOT_FOUND: { status: 404, message: "There is no such operation.", details: none },
  METHOD_NOT_ALLOWED: { status: 405, message: "Method not allowed.", details: none },
  REQUEST_TIMEOUT: { status: 408, message: "The request took too long to arrive.", details: none },
  PAYLOAD_TOO_LARGE: { status: 413, message: "The request is too large.", details: none },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, message: "Unsupported content type. Send application/json.", details: none },
  HEADERS_TOO_LARGE: { status: 431, message: "The headers of the request are too large.", details: none },
  CANCELLED: { status: 499, message: "The client closed the request.", details: none },
  INTERNAL: { status: 500, message: "Something went wrong on our side.", details: none },
  UNAVAILABLE: {
    status: 503,
    message: "The service is temporarily unavailable. Try again shortly.",
    details: z.object({ retryAfterSeconds: z.int() }),
  },

  // Access: any operation that is not open to anyone.
  UNAUTHENTICATED: { status: 401, message: "Sign in first.", details: none },
  INVALID_TOKEN: { status: 401, message: "This sign-in has ended. Sign in again.", details: none },
  INVALID_DPOP_PROOF: {
    status: 401,
    message: "This token is bound to a key. Send a DPoP proof for this request.",
    details: none,
  },
  DPOP_NONCE_NEEDED: {
    status: 401,
    message: "Send the DPoP proof again with this nonce.",
    details: z.object({ nonce: z.string() }),
  },
  AMBIGUOUS_TOKEN: {
    status: 400,
    message: "Send one access token, in the Authorization header.",
    details: none,
  },
  FIRST_PARTY_ONLY: { status: 403, message: "Only first-party clients may call this operation.", details: none },
  ROLE_REQUIRED: { status: 403, message: "You do not have the required role.", details: none },
  REAUTHENTICATION_REQUIRED: {
    status: 401,
    message: "Prove again who you are to do this.",
    details: z.object({
      /** How long ago it may have been proved. `null`: any time in this session. */
      maxAgeSeconds: z.int().nullable(),
      /** With how many factors: 1 or 2. A passkey counts as two. */
      factors: z.int(),
      /** Whether only a passkey will do. */
      phishingResistant: z.boolean(),
    }),
  },
  INSUFFICIENT_SCOPE: {
    status: 403,
    message: "The client has not been granted the required scopes.",
    details: z.object({ scopes: z.array(z.string()) }),
  },
  USER_REQUIRED: {
    status: 403,
    message: "This operation requires a user; the token belongs to a client.",
    details: none,
  },

  // Declared by the operations that can fail with them.
  SESSION_ENDED: {
    status: 401,
    message: "This session has ended. Sign in again.",
    details: z.object({ reason: SessionEndReason }),
  },
  TOO_MANY_ATTEMPTS: {
    status: 429,
    message: "Too many attempts. Wait a little and try again.",
    details: z.object({ retryAfterSeconds: z.int() }),
  },
  OVERLOADED: {
    status: 503,
    message: "The service is busy. Try again shortly.",
    details: z.object({ retryAfterSeconds: z.int() }),
  },
  TOO_MANY_STREAMS: {
    status: 429,
    message: "Too many streams are open. Close one, or try again later.",
    details: z.object({
      /** Which limit was reached: this session's, its user's, or the server's. */
      limit: z.enum(["session", "user", "server"]),
      max: z.int(),
      retryAfterSeconds: z.int(),
    }),
  },
  NOT_ADMITTED: {
    status: 403,
    message: "This is not possible from here.",
    details: z.object({
      /** One sentence for the user. */
      explanation: z.string(),
    }),
  },
  CHALLENGE_REQUIRED: {
    status: 428,
    message: "Solve the challenge, and send this call again with its solution.",
    details: z.object({ challenge: Challenge }),
  },
  CREDENTIALS_IN_BATCH: {
    status: 400,
    message: "Send operations that take a password or a token one at a time.",
    details: none,
  },
  FOREIGN_ORIGIN: {
    status: 403,
    message:
      "Pages of other origins may not use the session cookie: set PUBLIC_URL to the origin that the browser shows, or list that origin in ALLOWED_ORIGINS.",
    details: none,
  },
  SERVERS_ONLY: {
    status: 403,
    message: "Only servers may call this operation. In a browser, call auth.refresh.",
    details: none,
  },
  AUTHORIZATION_NOT_FOUND: {
    status: 404,
    message: "This request was answered or has expired. Go back to the app and begin again.",
    details: none,
  },
  CLIENT_NAME_REFUSED: {
    status: 400,
    message: "Choose another name.",
    details: z.object({
      /** One sentence for the user who chose it. */
      explanation: z.string(),
    }),
  },
  CLIENT_HAS_NO_SECRET: {
    status: 409,
    message: "This client has no secret. It signs with its own key, or cannot keep a secret.",
    details: none,
  },
  CLIENT_NOT_FOUND: { status: 404, message: "There is no such client.", details: none },
  SESSION_NOT_FOUND: { status: 404, message: "There is no such session.", details: none },
  PASSWORD_REFUSED: {
    status: 400,
    message: "Choose another password.",
    details: z.object({
      reason: z.enum(["too_short", "too_long", "guessable", "breached"]),
      /** One sentence for the user who chose it. */
      explanation: z.string(),
    }),
  },
  PASSWORD_EXISTS: { status: 409, message: "This account already has a password. Change it instead.", details: none },
  INVALID_CREDENTIALS: { status: 401, message: "The username or the password is wrong.", details: none },
  PROVIDER_NOT_FOUND: { status: 404, message: "There is no such identity provider.", details: none },
  IDENTITY_NOT_FOUND: { status: 404, message: "This account is no longer linked.", details: none },
  LAST_WAY_IN: {
    status: 409,
    message: "This is the only way to sign in to your account. Add another first.",
    details: none,
  },
  PROOF_REFUSED: {
    status: 400,
    message: "This code or link does not work. Check it, or ask for another.",
    details: z.object({
      reason: ProofRefusalReason,
      /** How many more codes can be tried. */
      triesLeft: z.int(),
    }),
  },
  SIGN_UP_REFUSED: {
    status: 403,
    message: "This address cannot sign up here.",
    details: z.object({
      reason: z.enum(["off", "domain", "not_invited"]),
      /** One sentence for the user. */
      explanation: z.string(),
    }),
  },
  USERNAME_REFUSED: {
    status: 409,
    message: "Choose another username.",
    details: z.object({
      reason: z.enum(["taken", "reserved", "look_alike"]),
      /** One sentence for the user who chose it. */
      explanation: z.string(),
      /** A username that was free a moment ago. */
      suggestion: z.string(),
    }),
  },
  SIGN_IN_CODE_OFF: { status: 403, message: "This server sends no codes to sign in with.", details: none },
  FACTOR_REFUSED: { status: 401, message: "This code or passkey does not work. Try again.", details: none },
  CHALLENGE_EXPIRED: {
    status: 400,
    message: "This took too long, or began in another browser. Start again.",
    details: none,
  },
  FACTOR_NOT_FOUND: { status: 404, message: "There is no such factor.", details: none },
  TRUSTED_DEVICE_NOT_FOUND: { status: 404, message: "There is no such device.", details: none },
  LAST_FACTOR: {
    status: 409,
    message: "Your account needs a second factor, and this is the only one. Add another first.",
    details: none,
  },
  TOO_MANY_FACTORS: {
    status: 409,
    message: "Your account has as many factors of this kind as it can have. Remove one first.",
    details: z.object({ max: z.int() }),
  },
  PASSKEYS_OFF: { status: 501, message: "Passkeys do not work at the address of this server.", details: none },
  MAIL_OFF: { status: 501, message: "This server sends no mail. Ask the people who run it.", details: none },
  DELETION_PENDING: {
    status: 403,
    message: "This account is to be deleted. Cancel that to use it again.",
    details: z.object({
      /** Epoch milliseconds. */
      deletesAt: z.int(),
      /** For `account.cancelDeletion`, some minutes long. `null`: only an operator can cancel it. */
      secret: z.string().nullable(),
    }),
  },
  LAST_ADMINISTRATOR: {
    status: 409,
    message: "You are the only administrator. Make somebody else one first.",
    details: none,
  },
  EMAIL_TAKEN: { status: 409, message: "Another account uses this e-mail address.", details: none },
} as const satisfies Errors;

/**
 * The type of `engineErrors`.
 * @internal
 */
export type EngineErrors = typeof engineErrors;
/**
 * The codes of `engineErrors`.
 * @internal
 */
export type EngineErrorCode = keyof EngineErrors;

/**
 * The details of an error of this code.
 * @internal
 */
export type ErrorDetails<C extends EngineErrorCode> = z.infer<EngineErrors[C]["details"]>;

/** Codes that any operation can fail with. */
const transportErrorCodes = [
  "MALFORMED_REQUEST",
  "INVALID_INPUT",
  "OPERATION_NOT_FOUND",
  "METHOD_NOT_ALLOWED",
  "REQUEST_TIMEOUT",
  "PAYLOAD_TOO_LARGE",
  "UNSUPPORTED_MEDIA_TYPE",
  "HEADERS_TOO_LARGE",
  "CANCELLED",
  "INTERNAL",
  "UNAVAILABLE",
] as const satisfies EngineErrorCode[];
/**
 * A code that any call can fail with.
 * @internal
 */
export type TransportErrorCode = (typeof transportErrorCodes)[number];

/**
 * Codes that follow from an operation's access: of every call that needs a token, of each kind of access, and of access
 * that asks for more than a sign-in.
 */
const accessErrorCodes = {
  token: ["UNAUTHENTICATED", "INVALID_TOKEN", "INVALID_DPOP_PROOF", "DPOP_NONCE_NEEDED", "AMBIGUOUS_TOKEN"],
  scoped: ["INSUFFICIENT_SCOPE", "USER_REQUIRED"],
  firstParty: ["FIRST_PARTY_ONLY", "ROLE_REQUIRED"],
  assured: ["REAUTHENTICATION_REQUIRED"],
} as const satisfies Record<string, readonly EngineErrorCode[]>;
type AccessErrors = typeof accessErrorCodes;

/**
 * The codes with which a call can be refused because of its access `A`.
 * @internal
 */
export type AccessErrorCode<A> = A extends Anyone
  ? never
  :
      | AccessErrors["token"][number]
      | AccessErrors[A extends Scoped ? "scoped" : "firstParty"][number]
      | (A extends Assured ? AccessErrors["assured"][number] : never);

/**
 * The codes that calls of an operation with this access can be refused with.
 * @internal
 */
export const accessErrorCodesOf = (access: Access): readonly EngineErrorCode[] => {
  if (access.kind === "anyone") return [];
  const assured = access.assurance ? accessErrorCodes.assured : [];
  if (access.kind === "scoped") return [...accessErrorCodes.token, ...accessErrorCodes.scoped, ...assured];
  const codes = accessErrorCodes.firstParty.filter((code) => code !== "ROLE_REQUIRED" || access.role !== undefined);
  return [...accessErrorCodes.token, ...codes, ...assured];
};

/**
 * Codes that follow from the access or the transport; an operation does not name them. It names
 * `REAUTHENTICATION_REQUIRED` when its handler asks for a fresh sign-in.
 * @internal
 */
export type ImpliedErrorCode = TransportErrorCode | AccessErrors["token" | "scoped" | "firstParty"][number];

/** The `data` of an error in an RPC answer: a union to narrow by `code`. */
export type RpcErrorData<Es extends Errors = EngineErrors, C extends keyof Es = keyof Es> = {
  [K in C]: {
    readonly code: K;
    readonly details: z.output<Es[K]["details"]>;
    readonly httpStatus: Es[K]["status"];
    /** Names this call in the server's log. */
    readonly requestId: string;
    readonly path?: string;
    /** The challenge of this call (RFC 6750 §3), also in a batch, where the response has no header for it. */
    readonly wwwAuthenticate?: string;
  };
}[C];

/**
 * An error as JSON-RPC puts it on the wire: `code` is JSON-RPC's number, ours is `data.code`. Takes the contract, which
 * compilers name in declarations; its errors they would write out.
 * @internal
 */
export interface RpcErrorShape<
  C extends { readonly errors: Errors } = { readonly errors: EngineErrors },
  Code extends keyof C["errors"] = keyof C["errors"],
> {
  readonly message: string;
  readonly code: number;
  readonly data: RpcErrorData<C["errors"], Code>;
}
