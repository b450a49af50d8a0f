// Owns the shapes of other people's applications: as somebody registers one (RFC 7591), as a person who is asked by
// one sees it, and what they have allowed it.

import { z } from "zod";
import { type GrantableScope, grantableScopes, type Scope, scopeNames } from "./scopes.ts";

const loopbackHosts: readonly string[] = ["127.0.0.1", "[::1]", "localhost"];

/** What an application is decides how it proves itself, and which addresses it may be sent back to. */
export const applicationKinds = {
  /** Runs on a server and keeps a secret. */
  web: "A web application with a server",
  /** Runs in a browser and keeps none. */
  browser: "An application that runs in the browser",
  /** Runs on a person's device and keeps none: phones, desktops, command lines. @see RFC 8252 */
  native: "An application on a phone, a computer or a terminal",
  /** Acts for itself, and for no person. @see RFC 6749 §4.4 */
  service: "A service that acts for itself",
} as const;
export type ApplicationKind = keyof typeof applicationKinds;
const ApplicationKind = z.enum(Object.keys(applicationKinds) as [ApplicationKind, ...ApplicationKind[]]);

/** Absolute, without a fragment (RFC 6749 §3.1.2), and without a name or password in it. */
const AbsoluteUri = z
  .string()
  .max(2000)
  .refine((text) => URL.canParse(text) && !text.includes("#"), { error: "Must be a whole address, without a fragment" })
  .refine((text) => !URL.canParse(text) || (new URL(text).username === "" && new URL(text).password === ""), {
    error: "Must not contain a name or a password",
  });

/** Where a person may be sent back to. Plain http only on the person's own machine (RFC 9700 §2.6, RFC 8252 §7.3). */
export const WebRedirectUri = AbsoluteUri.refine(isSecureOrLoopback, {
  error: "Must begin with https://, or with http:// on the loopback interface",
});

/** RFC 8252 §7.1: a scheme of one's own is a domain name in reverse. §7.2: nobody claims https on the loopback interface. */
export const NativeRedirectUri = AbsoluteUri.refine(
  (text) => (isSecureOrLoopback(text) && !isSecureLoopback(text)) || /^[a-z][a-z0-9+-]*\./i.test(text),
  {
    error: "Must begin with https://, with http://127.0.0.1, or with a scheme such as com.example.app:",
  },
);

function isSecureOrLoopback(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === "https:" || (protocol === "http:" && loopbackHosts.includes(hostname));
}

function isSecureLoopback(text: string): boolean {
  const { protocol, hostname } = new URL(text);
  return protocol === "https:" && loopbackHosts.includes(hostname);
}

const ScopeName = z.enum(scopeNames as [Scope, ...Scope[]]);
const GrantableScopeName = z.enum(Object.keys(grantableScopes) as [GrantableScope, ...GrantableScope[]]);

const uris = (uri: z.ZodType<string>) => z.array(uri).max(20);

/** What people know an application by. No control characters, nor such as turn the text around it about. */
export const ApplicationName = z
  .string()
  .trim()
  .min(1, { error: "Enter a name" })
  .max(100)
  .refine((text) => text.isWellFormed() && !/\p{C}/u.test(text), { error: "Must be plain text" });

/** What a registration says, whoever makes it. */
const registration = {
  name: ApplicationName,
  kind: ApplicationKind,
  /** Where its people can read about it. */
  uri: AbsoluteUri.refine((text) => text.startsWith("https://"), { error: "Must begin with https://" }).nullable(),
  redirectUris: uris(AbsoluteUri),
  postLogoutRedirectUris: uris(AbsoluteUri),
  /** What it may ask for; a person decides each time. */
  scopes: z.array(ScopeName).transform((names) => [...new Set(names)]),
};

export const RegisterApplicationInput = z
  .object({
    ...registration,
    uri: registration.uri.default(null),
    redirectUris: registration.redirectUris.default([]),
    postLogoutRedirectUris: registration.postLogoutRedirectUris.default([]),
  })
  .superRefine(({ kind, redirectUris, postLogoutRedirectUris }, context) => {
    if (kind === "service" && redirectUris.length > 0) {
      context.addIssue({ code: "custom", path: ["redirectUris"], message: "A service sends nobody anywhere" });
    }
    if (kind !== "service" && redirectUris.length === 0) {
      context.addIssue({ code: "custom", path: ["redirectUris"], message: "Enter where people come back to" });
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
export type RegisterApplicationInput = z.infer<typeof RegisterApplicationInput>;

/** A registered application, as its owner sees it. */
export const Application = z.object({
  /** Its `client_id`. */
  id: z.string(),
  ...registration,
  /** Whether an operator of this service vouches for it. */
  verified: z.boolean(),
  /** Epoch milliseconds. */
  createdAt: z.int(),
});
export type Application = z.infer<typeof Application>;

/** With the secret, which is shown this once. `null`: an application of this kind keeps none. */
export const RegisteredApplication = z.object({ application: Application, secret: z.string().nullable() });
export type RegisteredApplication = z.infer<typeof RegisteredApplication>;

/** An application, as a person sees it who is asked by it. */
export const ApplicationView = z.object({
  id: z.string(),
  name: z.string(),
  uri: z.string().nullable(),
  /** Where the person is sent back to: what an application cannot make up. */
  verified: z.boolean(),
});
export type ApplicationView = z.infer<typeof ApplicationView>;

const WordedScope = z.object({ name: GrantableScopeName, words: z.string() });

/** Who asks, before anybody has signed in. */
export const AuthorizationAsker = z.object({
  application: ApplicationView,
  /** Whom it believes it is dealing with. @see OpenID Connect Core §3.1.2.1 */
  loginHint: z.string().nullable(),
});
export type AuthorizationAsker = z.infer<typeof AuthorizationAsker>;

/** What a signed-in person is asked to decide. */
export const AuthorizationRequest = z.object({
  application: ApplicationView,
  /** Where the answer goes: the host, or the scheme of an app; `null` for a device, which asks for it itself. */
  returnsTo: z.string().nullable(),
  scopes: z.array(WordedScope.extend({ grantedBefore: z.boolean() })),
  /** How long the access lasts without being used, in seconds. */
  lastsSeconds: z.int(),
  /** Whether the person has to sign in anew first: the application asked for it, or it was too long ago. */
  signInAgain: z.boolean(),
  /** Whether there is something to ask. `false`: all of it was granted before, and `approve` needs no question. */
  consent: z.boolean(),
});
export type AuthorizationRequest = z.infer<typeof AuthorizationRequest>;

/** An application that a person has let in. */
export const ConnectedApplication = z.object({
  application: ApplicationView,
  scopes: z.array(WordedScope),
  /** Epoch milliseconds. */
  grantedAt: z.int(),
  /** When it last got a token: epoch milliseconds. */
  lastUsedAt: z.int(),
});
export type ConnectedApplication = z.infer<typeof ConnectedApplication>;

/** What the server tells the pages that are part of a protocol: it stands in the page, for the web app to show. */
export const ProtocolPage = z.discriminatedUnion("page", [
  /** A code is typed that a device shows (RFC 8628 §3.3). */
  z.object({
    page: z.literal("device_code"),
    action: z.string(),
    token: z.string(),
    userCode: z.string().nullable(),
    problem: z.enum(["missing", "unknown", "expired", "used", "failed"]).nullable(),
  }),
  /** The device shows the same code? */
  z.object({
    page: z.literal("device_confirm"),
    action: z.string(),
    token: z.string(),
    userCode: z.string(),
    application: ApplicationView,
  }),
  z.object({ page: z.literal("device_done"), application: ApplicationView }),
  z.object({ page: z.literal("device_denied") }),
  /** An application asks to sign the person out (OpenID Connect RP-Initiated Logout §2). */
  z.object({
    page: z.literal("sign_out"),
    action: z.string(),
    token: z.string(),
    application: ApplicationView.nullable(),
  }),
  z.object({ page: z.literal("signed_out") }),
  /** The request cannot be answered, and nobody is sent anywhere (RFC 9700 §4.11.2). */
  z.object({ page: z.literal("error"), error: z.string(), description: z.string().nullable() }),
]);
export type ProtocolPage = z.infer<typeof ProtocolPage>;

/** The name of the `<meta>` element that carries a `ProtocolPage` as JSON. */
export const protocolPageMeta = "lockstep-protocol-page";
