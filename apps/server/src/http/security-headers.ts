// Owns the headers that tell browsers what no page of this server needs: scripts of others, frames, sniffing.
// They are the same on every answer; a route that needs more, such as `docs.ts`, sets its own.

import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import helmet from "helmet";

export interface SecurityHeadersOptions {
  readonly publicUrl: string;
  readonly web: { readonly devUrl: string | null };
}

/** What helmet sets. It is asked once: for each request it would put the same texts together again. */
export const securityHeaders = async ({ publicUrl, web }: SecurityHeadersOptions): Promise<Record<string, string>> => {
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
