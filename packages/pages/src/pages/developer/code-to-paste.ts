// Owns the code that a developer starts with: for each kind of app, a complete program.

import type { ClientKind, OAuthClient } from "@lockstep/kit";
import type { developerWords } from "./words.ts";

export interface CodeToPaste {
  /** Which words say what it is, and how to run it. */
  readonly howTo: keyof typeof developerWords.code.howTo;
  readonly code: string;
}

type Asking = Pick<OAuthClient, "id" | "redirectUris" | "scopes">;

/** `issuer` is this service's address, where programs discover everything else. */
export const codeToPaste = (kind: ClientKind, app: Asking, issuer: string): CodeToPaste => writers[kind](app, issuer);

const text = JSON.stringify;

const scopeOf = ({ scopes }: Asking) => ["openid", ...scopes].join(" ");

/** `discovery` with its arguments. Plain http is only for a server on the developer's own machine. */
const discovery = ({ id }: Asking, issuer: string, secret: string, authentication: string) =>
  `client.discovery(
  new URL(${text(issuer)}),
  ${text(id)},
  ${secret},
  ${authentication},${issuer.startsWith("http:") ? "\n  { execute: [client.allowInsecureRequests] }," : ""}
)`;

/** What the program does with its tokens: it makes a call, if its scopes allow one. */
const use = ({ scopes }: Asking, issuer: string) =>
  scopes.includes("profile:read")
    ? `const me = new URL(${text(`${issuer}/users/me`)});
const answer = await client.fetchProtectedResource(config, tokens.access_token, me, "GET");
const result = await answer.json();`
    : "const result = tokens.claims();";

const indent = (code: string, by: string) => code.replaceAll("\n", `\n${by}`);

const web = (app: Asking, issuer: string): CodeToPaste => {
  const redirectUri = app.redirectUris[0] ?? "http://localhost:4000/callback";
  const port = new URL(redirectUri).port || "4000";
  return {
    howTo: "web",
    code: `import { createServer } from "node:http";
import * as client from "openid-client";

const redirectUri = ${text(redirectUri)};
const config = await ${discovery(app, issuer, "process.env.CLIENT_SECRET", "undefined")};

const signIn = async (response) => {
  const codeVerifier = client.randomPKCECodeVerifier();
  const state = client.randomState();
  const address = client.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: ${text(scopeOf(app))},
    state,
    code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
    code_challenge_method: "S256",
  });
  // The visitor's browser keeps both, so that only the visitor who was sent can come back.
  const kept = \`sign-in=\${state}~\${codeVerifier}; Path=/; Max-Age=600; HttpOnly; SameSite=Lax${redirectUri.startsWith("https:") ? "; Secure" : ""}\`;
  response.writeHead(303, { location: address.href, "set-cookie": kept }).end();
};

const comeBack = async (request, response) => {
  const kept = /sign-in=([^;]*)/.exec(request.headers.cookie ?? "")?.[1] ?? "";
  const [expectedState, pkceCodeVerifier] = kept.split("~");
  const tokens = await client.authorizationCodeGrant(config, new URL(request.url, redirectUri), {
    expectedState,
    pkceCodeVerifier,
  });
  ${indent(use(app, issuer), "  ")}
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(result));
};

createServer((request, response) => {
  const { pathname } = new URL(request.url, redirectUri);
  const cameBack = pathname === new URL(redirectUri).pathname;
  const answered = cameBack ? comeBack(request, response) : signIn(response);
  answered.catch((error) => response.writeHead(400, { "content-type": "text/plain" }).end(\`\${error}\`));
}).listen(process.env.PORT ?? ${port}, () => console.log(\`Open \${new URL("/", redirectUri)}\`));
`,
  };
};

const browser = (app: Asking, issuer: string): CodeToPaste => {
  const redirectUri = app.redirectUris[0] ?? "http://localhost:4000/";
  return {
    howTo: "browser",
    code: `import * as client from "openid-client";

const redirectUri = ${text(redirectUri)};
const config = await ${discovery(app, issuer, "undefined", "client.None()")};

export const signIn = async () => {
  const codeVerifier = client.randomPKCECodeVerifier();
  const state = client.randomState();
  sessionStorage.setItem("sign-in", JSON.stringify({ state, codeVerifier }));
  const address = client.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: ${text(scopeOf(app))},
    state,
    code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
    code_challenge_method: "S256",
  });
  location.assign(address);
};

const comeBack = async () => {
  const { state, codeVerifier } = JSON.parse(sessionStorage.getItem("sign-in") ?? "{}");
  sessionStorage.removeItem("sign-in");
  const tokens = await client.authorizationCodeGrant(config, new URL(location.href), {
    expectedState: state,
    pkceCodeVerifier: codeVerifier,
  });
  history.replaceState(null, "", location.pathname);
  ${indent(use(app, issuer), "  ")}
  return result;
};

if (new URLSearchParams(location.search).has("state")) document.body.append(JSON.stringify(await comeBack()));
else await signIn();
`,
  };
};

const loopback = /^http:\/\/(127\.0\.0\.1|\[::1\])[:/]/;

const native = (app: Asking, issuer: string): CodeToPaste => {
  const redirectUri = app.redirectUris.find((uri) => loopback.test(uri));
  const { pathname } = new URL(redirectUri ?? "http://127.0.0.1/callback");
  return {
    howTo: redirectUri ? "native" : "nativeElsewhere",
    code: `import { once } from "node:events";
import { createServer } from "node:http";
import * as client from "openid-client";

const config = await ${discovery(app, issuer, "undefined", "client.None()")};

// Any free port: only the rest of the address is compared.
const server = createServer().listen(0, "127.0.0.1");
await once(server, "listening");
const redirectUri = \`http://127.0.0.1:\${server.address().port}${pathname}\`;

const pkceCodeVerifier = client.randomPKCECodeVerifier();
const expectedState = client.randomState();
const address = client.buildAuthorizationUrl(config, {
  redirect_uri: redirectUri,
  scope: ${text(scopeOf(app))},
  state: expectedState,
  code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
  code_challenge_method: "S256",
});
console.log(\`Open \${address}\`);

const [request, response] = await once(server, "request");
response.end("You can close this page.");
server.close();

const tokens = await client.authorizationCodeGrant(config, new URL(request.url, redirectUri), {
  pkceCodeVerifier,
  expectedState,
});
${use(app, issuer)}
console.log(result);
`,
  };
};

const service = ({ id, scopes }: Asking, issuer: string): CodeToPaste => ({
  howTo: "service",
  code: `curl -sS ${issuer}/token \\
  -u ${text(id).slice(1, -1)}:"$CLIENT_SECRET" \\
  -d grant_type=client_credentials${scopes.length > 0 ? ` \\\n  -d scope=${text(scopes.join(" "))}` : ""}
`,
});

const writers = { web, browser, native, service } satisfies Record<
  ClientKind,
  (app: Asking, issuer: string) => CodeToPaste
>;
