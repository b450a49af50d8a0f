// Owns the headers that tell browsers what no answer of this server needs: scripts of others, frames, sniffing. Every
// answer lets a browser do nothing at all; a page is let do what it has to, where its routes say that they serve pages.

import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { onRequestHookHandler } from "fastify";
import helmet from "helmet";

export interface SecurityHeadersOptions {
  readonly publicUrl: string;
  readonly web: { readonly devUrl: string | null };
}

export interface SecurityHeaders {
  /** What data needs, and whatever else nobody thought of. @see OWASP REST Security Cheat Sheet, "Security Headers" */
  readonly data: Readonly<Record<string, string>>;
  /** What the web app's pages need, and may do. A route that needs more, such as `docs.ts`, sets its own. */
  readonly page: Readonly<Record<string, string>>;
}

/** For routes that serve pages, and for redirects on the way to one: goes before all their handlers. */
export const asPage =
  ({ page }: SecurityHeaders): onRequestHookHandler =>
  (_request, reply, done) => {
    // Where Vite serves the pages, there is no policy in place of the strictest one.
    reply.removeHeader(policy).headers(page);
    done();
  };

const policy = "content-security-policy";

export const securityHeaders = async (options: SecurityHeadersOptions): Promise<SecurityHeaders> => {
  const page = await helmetHeaders(options);
  const kept = [
    "cross-origin-resource-policy",
    "strict-transport-security",
    "x-content-type-options",
    "x-frame-options",
  ];
  const data = Object.fromEntries(Object.entries(page).filter(([name]) => kept.includes(name)));
  return { data: { ...data, [policy]: "default-src 'none'; frame-ancestors 'none'" }, page };
};

/** What helmet sets. It is asked once: for each request it would put the same texts together again. */
const helmetHeaders = async ({ publicUrl, web }: SecurityHeadersOptions): Promise<Record<string, string>> => {
  const secure = helmet({
    contentSecurityPolicy: web.devUrl === null && {
      useDefaults: false,
      directives: {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "manifest-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
      },
    },
    xFrameOptions: { action: "deny" },
    referrerPolicy: { policy: "no-referrer" },
    strictTransportSecurity: publicUrl.startsWith("https://") && {
      maxAge: 63_072_000,
      includeSubDomains: true,
    },
  });
  const request = new IncomingMessage(new Socket());
  const response = new ServerResponse(request);
  await new Promise<void>((resolve, reject) => {
    secure(request, response, (error) => (error ? reject(error) : resolve()));
  });
  // A copy: objects without a prototype, as that is one, are slow to go through.
  return { ...(response.getHeaders() as Record<string, string>) };
};
