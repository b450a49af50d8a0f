// Owns the shapes of OAuth clients: as developers register them and as the consent page shows them, and what users
// granted them.

import { z } from "zod";
import { displayName } from "./names.ts";
import { scopeNamePattern } from "./scopes.ts";

/** The kinds of clients. The kind decides how a client authenticates, and which redirect URIs it may have. */
export const clientKinds = {
  /** Runs on a server and has a secret. */
  web: "An app with a server",
  /** Runs in a browser and has no secret. */
  browser: "An app that runs in the browser",
  /** Runs on a person's device and has no secret: phones, desktops, command lines. @see RFC 8252 */
  native: "An app on a phone, a computer or a terminal",
  /** Acts for itself, not for a person. @see RFC 6749 §4.4 */
  service: "A service that acts for itself",
} as const;
/** A kind of client. */
export type ClientKind = keyof typeof clientKinds;
const ClientKind = z.enum(Object.keys(clientKinds) as [ClientKind, ...ClientKind[]]);

/** Absolute, in the characters of RFC 3986, without a fragment (RFC 6749 §3.1.2) and without a name or password. */
const AbsoluteUri = z
  .string()
  .max(2000)
  .regex(/^[\w.~:/?[\]@!$&'()*+,;=%-]+$/, { error: "Must be an absolute URL without a fragment" })
  .refine((text) => z.url().safeParse(text).success, { error: "Must be an absolute URL without a fragment" })
  .refine((text) => !/^[^/?]*\/\/[^/?]*@/.test(text), { error: "Must not contain a name or a password" })
  // Redirect URIs are compared as text, so a wildcard would match nothing (RFC 9700 §2.1).
  .refine((text) => !/^[^/?]*\/\/[^/?]*\*/.test(text), { error: "Must not have a wildcard in its host" });

const secure = /^https:\/\/[^/?]/;
/** The person's own machine, the only place where plain http is safe (RFC 9700 §2.6, RFC 8252 §7.3). */
const loopback = /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(:\d{1,5})?([/?]|$)/;
/** A custom scheme: a reversed domain name (RFC 8252 §7.1), or one word and a path, as real apps use. */
const ownScheme = /^[a-z][a-z0-9-]*((\.[a-z0-9-]+)+:|:\/)/;
/** Schemes with a meaning for browsers and systems: some run code, none belongs to one app. */
const takenScheme =
  /^(https?|wss?|ftp|javascript|vbscript|data|file|filesystem|blob|about|view-source|intent|chrome|chrome-extension|moz-extension):/;

/**
 * A redirect URI of a client that runs on a server or in a browser.
 * @internal
 */
export const WebRedirectUri = AbsoluteUri.refine((text) => secure.test(text) || loopback.test(text), {
  error: "Must begin with https://, or with http:// on the loopback interface",
});

/** RFC 8252 §7.2: an app cannot claim https on the loopback interface. */
const secureLoopback = /^https:\/\/(127\.0\.0\.1|\[::1\]|localhost)([:/?]|$)/;

/**
 * A redirect URI of a client that runs on a person's device.
 * @internal
 */
export const NativeRedirectUri = AbsoluteUri.refine(
  (text) =>
    (secure.test(text) && !secureLoopback.test(text)) ||
    loopback.test(text) ||
    (ownScheme.test(text) && !takenScheme.test(text)),
  { error: "Must begin with https://, with http://127.0.0.1, or with a scheme such as com.example.app: or example://" },
);

/** Any scope that OAuth allows. The server checks that the contract has it. */
const ScopeName = z.string().max(100).regex(scopeNamePattern, { error: "Must be the name of a scope" });

const uris = z.array(AbsoluteUri).max(20);

/**
 * The name that people see. Unverified clients have further rules: see `CLIENT_NAME_REFUSED`.
 * @internal
 */
export const ClientName = displayName({ maxLength: 100 });

/** The properties of every registration. */
const registration = {
  name: ClientName,
  kind: ClientKind,
  /** Its home page, for people. */
  uri: AbsoluteUri.regex(secure, { error: "Must begin with https://" }).nullable(),
  redirectUris: uris,
  postLogoutRedirectUris: uris,
  /** The scopes that it may request. */
  scopes: z
    .array(ScopeName)
    .max(100)
    .transform((names) => [...new Set(names)]),
  /** The URL of its keys: it then authenticates with a signature and has no secret. @see OpenID Connect Core §9 */
  jwksUri: WebRedirectUri.nullable(),
  /** The URL that is notified when a person signs out. @see OpenID Connect Back-Channel Logout §2.2 */
  backchannelLogoutUri: WebRedirectUri.nullable(),
  /** Whether it must push its authorization requests. @see RFC 9126 §6 */
  requirePushedRequests: z.boolean(),
  /** Whether its tokens are bound to a key of the client. @see RFC 9449 §5.2 */
  requireDpop: z.boolean(),
};

/** The input of `client.register`. */
export const RegisterClientInput = z
  .object({
    ...registration,
    uri: registration.uri.default(null),
    redirectUris: registration.redirectUris.default([]),
    postLogoutRedirectUris: registration.postLogoutRedirectUris.default([]),
    jwksUri: registration.jwksUri.default(null),
    backchannelLogoutUri: registration.backchannelLogoutUri.default(null),
    requirePushedRequests: registration.requirePushedRequests.default(false),
    requireDpop: registration.requireDpop.default(false),
  })
  .superRefine(({ kind, redirectUris, postLogoutRedirectUris, jwksUri }, context) => {
    if (jwksUri !== null && (kind === "browser" || kind === "native")) {
      context.addIssue({ code: "custom", path: ["jwksUri"], message: "This kind of app cannot have a key" });
    }
    if (kind === "service" && redirectUris.length > 0) {
      context.addIssue({ code: "custom", path: ["redirectUris"], message: "A service has no redirect URIs" });
    }
    if (kind !== "service" && redirectUris.length === 0) {
      context.addIssue({ code: "custom", path: ["redirectUris"], message: "Enter a redirect URI" });
    }
    const RedirectUri = kind === "native" ? NativeRedirectUri : WebRedirectUri;
    for (const [property, uris] of Object.entries({ redirectUris, postLogoutRedirectUris })) {
      for (const [index, uri] of uris.entries()) {
        const { error } = RedirectUri.safeParse(uri);
        for (const { message } of error?.issues ?? [])
          context.addIssue({ code: "custom", path: [property, index], message });
      }
    }
  });
export type RegisterClientInput = z.output<typeof RegisterClientInput>;

/** A registered client, as its owner sees it. */
export const OAuthClient = z.object({
  /** Its `client_id`. */
  id: z.string(),
  ...registration,
  /** Whether an operator has verified it. */
  verified: z.boolean(),
  /** Whether it may introspect the tokens of every client. @see RFC 7662 §2.1 */
  mayIntrospect: z.boolean(),
  /** Whether it may leave out PKCE and send a nonce instead. @see RFC 9700 §2.1.1 */
  mayOmitPkce: z.boolean(),
  /** Whether its assertions name the token endpoint as their audience, in place of the issuer. @see RFC 7523 §3 */
  assertsToTokenEndpoint: z.boolean(),
  /** Epoch milliseconds. */
  createdAt: z.int(),
});
export type OAuthClient = z.infer<typeof OAuthClient>;

/** A client with its secret, which is shown once. `null`: this kind of client has none. */
export const RegisteredClient = z.object({ client: OAuthClient, secret: z.string().nullable() });
export type RegisteredClient = z.infer<typeof RegisteredClient>;

/** A client, as the consent page shows it. */
export const ClientView = z.object({
  id: z.string(),
  name: z.string(),
  uri: z.string().nullable(),
  /** Where the user is sent back to, which a client cannot fake. */
  verified: z.boolean(),
});
export type ClientView = z.infer<typeof ClientView>;

const WordedScope = z.object({ name: ScopeName, words: z.string() });

/** The client that requests authorization, as it is shown before the sign-in. */
export const AuthorizationAsker = z.object({
  client: ClientView,
  /** The user that the client expects. @see OpenID Connect Core §3.1.2.1 */
  loginHint: z.string().nullable(),
});
export type AuthorizationAsker = z.infer<typeof AuthorizationAsker>;

/** An authorization request, as the consent page shows it. */
export const AuthorizationRequest = z.object({
  client: ClientView,
  /** The host that the answer goes to, or an app's scheme; `null`: a device, which polls for it. */
  returnsTo: z.string().nullable(),
  scopes: z.array(WordedScope.extend({ grantedBefore: z.boolean() })),
  /** How long the access lasts without being used, in seconds. */
  lastsSeconds: z.int(),
  /** Whether the person has to sign in again first: the client asked for it, or the sign-in is too old. */
  signInAgain: z.boolean(),
  /** What they have to prove then, as in `REAUTHENTICATION_REQUIRED`. `null`: nothing. */
  stepUp: z.object({ maxAgeSeconds: z.int().nullable(), factors: z.int(), phishingResistant: z.boolean() }).nullable(),
  /** Whether consent must be asked for. `false`: everything was granted before. */
  consent: z.boolean(),
});
export type AuthorizationRequest = z.infer<typeof AuthorizationRequest>;

/** A client that the user has granted access. */
export const ConnectedClient = z.object({
  client: ClientView,
  scopes: z.array(WordedScope),
  /** Epoch milliseconds. */
  grantedAt: z.int(),
  /** When it last got a token: epoch milliseconds. */
  lastUsedAt: z.int(),
});
export type ConnectedClient = z.infer<typeof ConnectedClient>;

/**
 * The data of a page that is part of a protocol. The server embeds it in the page, and the web app renders it.
 * @internal
 */
export const ProtocolPage = z.discriminatedUnion("page", [
  /** The person enters a device's code (RFC 8628 §3.3). */
  z.object({
    page: z.literal("device_code"),
    action: z.string(),
    token: z.string(),
    userCode: z.string().nullable(),
    problem: z.enum(["missing", "unknown", "expired", "used", "failed"]).nullable(),
  }),
  /** A code was entered without a session. */
  z.object({ page: z.literal("device_sign_in"), userCode: z.string().nullable() }),
  /** Too many wrong codes were entered. */
  z.object({ page: z.literal("device_wait"), seconds: z.int() }),
  /** Asks whether the device shows the same code. */
  z.object({
    page: z.literal("device_confirm"),
    action: z.string(),
    token: z.string(),
    userCode: z.string(),
    client: ClientView,
  }),
  z.object({ page: z.literal("device_done"), client: ClientView }),
  z.object({ page: z.literal("device_denied") }),
  /** A client asks to sign the person out (OpenID Connect RP-Initiated Logout §2). */
  z.object({
    page: z.literal("sign_out"),
    action: z.string(),
    token: z.string(),
    client: ClientView.nullable(),
    /** The destination of both answers: the host, or the scheme of an app; `null`: a page of ours. */
    returnsTo: z.string().nullable(),
  }),
  z.object({ page: z.literal("signed_out") }),
  /** Asks before a redirect to an unverified client (RFC 9700 §4.11.2). */
  z.object({
    page: z.literal("leave"),
    client: ClientView.nullable(),
    /** The host, or the scheme of an app. */
    to: z.string(),
    /** The destination of a click: a form with these fields, or a link. */
    action: z.string(),
    fields: z.record(z.string(), z.string()).nullable(),
    /** The error that the client gets. Absent: the user has signed out. */
    refusal: z.object({ error: z.string(), description: z.string().nullable() }).optional(),
  }),
  /** The request cannot be answered, and the browser is not redirected (RFC 9700 §4.11.2). */
  z.object({ page: z.literal("error"), error: z.string(), description: z.string().nullable() }),
]);
export type ProtocolPage = z.infer<typeof ProtocolPage>;

/**
 * The name of the `<meta>` element that carries a `ProtocolPage` as JSON.
 * @internal
 */
export const protocolPageMeta = "lockstep-protocol-page";
