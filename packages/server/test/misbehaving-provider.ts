// An OpenID provider that does whatever a test tells it to: for the ways in which a provider can be hostile or broken,
// and for nothing else. What a provider does right is shown with the certified one.

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
    /** What comes in the place of an endpoint, by its path. */
    answers: {} as Record<string, Answer>,
    metadata: {} as Record<string, unknown>,
    claims: {} as JWTPayload,
    userinfo: { email: "nadia@example.org", email_verified: true, name: "Nadia" } as Record<string, unknown>,
    /** Makes the ID token; the claims are those that an honest provider would send, with `claims` over them. */
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
    /** The paths that were asked for. */
    asked,
    /** From now on, and otherwise honest. */
    behave: (next: Partial<Behaviour> = {}) => {
      behaviour = { ...honest, ...next };
    },
    /** What the next ID token is to carry. */
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
