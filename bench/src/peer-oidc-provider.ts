// The library of the authorization server, as in its quick start: everything in memory, its own pages for sign-in and
// consent, one client.

import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { Provider } from "oidc-provider";
import { codeFlowClient } from "./code-flow-client.ts";

// The library warns about its quick start settings. They are intended here.
for (const method of ["info", "warn"] as const) globalThis.console[method] = () => {};

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const provider = new Provider(process.env["PUBLIC_URL"] ?? "", {
  jwks: { keys: [{ ...(privateKey.export({ format: "jwk" }) as { kty: "RSA" }), alg: "RS256", use: "sig" }] },
  clients: [
    {
      client_id: codeFlowClient.id,
      client_secret: codeFlowClient.secret,
      redirect_uris: [codeFlowClient.redirectUri],
    },
  ],
  pkce: { required: () => true },
  cookies: { keys: ["bench"] },
});
const answer = provider.callback();

const server = createServer((request, response) => {
  if (request.url === "/healthz") response.end("{}");
  else void answer(request, response);
}).listen(Number(process.env["PORT"]), "127.0.0.1");
process.once("SIGTERM", () => {
  server.closeAllConnections();
  server.close();
});
