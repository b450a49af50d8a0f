// Owns the security headers of responses. Data gets the strictest policy: a browser may do nothing with it. Pages get
// what the web app needs; routes opt in with `asPage`. `security-headers.test.ts` states every header.
// @see OWASP HTTP Headers Cheat Sheet, OWASP REST Security Cheat Sheet ("Security Headers")

import type { onRequestHookHandler } from "fastify";

export interface SecurityHeadersOptions {
  readonly publicUrl: string;
  readonly web: { readonly devUrl: string | null };
}

export interface SecurityHeaders {
  /** For data, and for every route that does not opt out. */
  readonly data: Readonly<Record<string, string>>;
  /** For the web app's pages. A route that needs more, such as `docs.ts`, sets its own policy. */
  readonly page: Readonly<Record<string, string>>;
}

/** For routes that serve pages, and for redirects on the way to one. Runs before their handlers. */
export const asPage =
  ({ page }: SecurityHeaders): onRequestHookHandler =>
  (_request, reply, done) => {
    // Vite's pages have no policy, so remove the strictest one.
    reply.removeHeader(policy).headers(page);
    done();
  };

const policy = "content-security-policy";

/** The headers of every response. */
const everywhere = {
  "cross-origin-resource-policy": "same-origin",
  "x-content-type-options": "nosniff",
  // For browsers without `frame-ancestors`.
  "x-frame-options": "DENY",
};

/** The additional headers of pages. */
const onPages = {
  "cross-origin-opener-policy": "same-origin",
  "origin-agent-cluster": "?1",
  // URLs of the authorization server's pages contain codes and IDs.
  "referrer-policy": "no-referrer",
  "x-dns-prefetch-control": "off",
  "x-download-options": "noopen",
  "x-permitted-cross-domain-policies": "none",
  // The filter of old browsers can be abused: off.
  "x-xss-protection": "0",
};

const dataPolicy = "default-src 'none'; frame-ancestors 'none'";

const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

/** Two years; the preload list of browsers requires one. Only where clients reach the server by https. */
const transportSecurity = { "strict-transport-security": "max-age=63072000; includeSubDomains" };

export const securityHeaders = ({ publicUrl, web }: SecurityHeadersOptions): SecurityHeaders => {
  const always = { ...everywhere, ...(publicUrl.startsWith("https://") && transportSecurity) };
  return {
    data: { ...always, [policy]: dataPolicy },
    page: { ...always, ...onPages, ...(web.devUrl === null && { [policy]: pagePolicy }) },
  };
};
