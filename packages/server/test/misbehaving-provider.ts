// An OpenID provider whose behaviour tests configure, for tests of hostile and broken identity providers only. Correct
// behaviour is tested with the certified one.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text as bodyText } from "node:stream/consumers";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";

export const misbehavingClient = { clientId: "ours", clientSecret: "the client's secret, that no log may have" };

const newKey = async (kid: string) => {
  const { privateKey, publicKey } = await generateKeyPair("ES256");
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: "ES256", use: "sig" } };
};

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const json = (response: ServerResponse, value: unknown, status = 200) => {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
};

export const startMisbehavingProvider = async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}`;
  let key = await newKey("first");

  const honest = {
    /** Replacements of endpoints, by path. */
    answers: {} as Record<string, Answer>,
    metadata: {} as Record<string, unknown>,
    claims: {} as JWTPayload,
    userinfo: { email: "nadia@example.org", email_verified: true, name: "Nadia" } as Record<string, unknown>,
    /** Creates the ID token, with the claims of an honest provider, overridden by `claims`. */
    sign: (claims: JWTPayload): Promise<string> =>
      new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid: key.kid }).sign(key.privateKey),
  };
  type Behaviour = typeof honest;
  let behaviour: Behaviour = honest;
  let nonce = "";
  const asked: string[] = [];

  server.on("request", async (request, response) => {
    const path = new URL(request.url ?? "/", issuer).pathname;
    asked.push(path);
    const instead = behaviour.answers[path];
    if (instead) return instead(request, response);
    switch (path) {
      case "/.well-known/openid-configuration":
        return json(response, {
          issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
          jwks_uri: `${issuer}/jwks`,
          userinfo_endpoint: `${issuer}/userinfo`,
          response_types_supported: ["code"],
          subject_types_supported: ["public"],
          id_token_signing_alg_values_supported: ["ES256", "HS256", "none"],
          authorization_response_iss_parameter_supported: true,
          ...behaviour.metadata,
        });
      case "/token": {
        await bodyText(request);
        const now = Math.floor(Date.now() / 1000);
        const claims = {
          iss: issuer,
          aud: misbehavingClient.clientId,
          sub: "nadia",
          iat: now,
          exp: now + 60,
          nonce,
          ...behaviour.claims,
        };
        const idToken = await behaviour.sign(claims);
        return json(response, { access_token: "an access token", token_type: "Bearer", id_token: idToken });
      }
      case "/jwks":
        return json(response, { keys: [key.jwk] });
      case "/userinfo":
        return json(response, { sub: "nadia", ...behaviour.userinfo });
      default:
        return json(response, {}, 404);
    }
  });

  return {
    issuer,
    /** The requested paths. */
    asked,
    /** Changes its behaviour from now on. The rest stays honest. */
    behave: (next: Partial<Behaviour> = {}) => {
      behaviour = { ...honest, ...next };
    },
    /** The claims of the next ID token. */
    expectNonce: (next: string) => {
      nonce = next;
    },
    rotateKey: async () => {
      key = await newKey(`${key.kid}+`);
    },
    signWith: (
      claims: JWTPayload,
      header: { alg: string; kid?: string; typ?: string } = { alg: "ES256", kid: key.kid },
    ) => new SignJWT(claims).setProtectedHeader(header).sign(key.privateKey),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
