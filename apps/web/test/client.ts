// Owns third-party clients: a certified client library (`openid-client`), and a redirect address on this machine. Also
// for scripts, which are no tests.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Contract } from "@app/contract";
import { type AppServerOptions, served } from "@app/server/testing";
import { RegisterClientInput } from "@lockstep/kit";
import { beginAuthorization, discover, startAuthorizationServer } from "@lockstep/server/authorization-server-testing";
import { john, testSource } from "@lockstep/server/testing";
import * as client from "openid-client";

/** An identity provider that nobody runs. */
export const north = {
  name: "north",
  label: "North",
  protocol: "openid",
  issuer: "https://north.example",
  discoveryUrl: null,
  clientId: "x",
  clientSecret: null,
  clientAuthentication: null,
  scopes: ["openid"],
  create: "never",
  endSession: false,
  freshness: "prompt_login",
  allowPrivateAddresses: false,
} as const;

/** A server that is visited at its public URL, because cookies belong to a host name. */
export const startServer = async (options: AppServerOptions = {}) => {
  const server = await startAuthorizationServer<Contract>({ ...served, ...options });
  return { ...server, url: server.config.publicUrl };
};

export type Server = Awaited<ReturnType<typeof startServer>>;

export interface ClientOptions extends Partial<RegisterClientInput> {
  /** Whether an operator registered and verified it. Otherwise john registered it. */
  readonly verified?: boolean;
}

/** The ID of the user with this username. */
export const idOf = async (server: Server, username: string = john.username): Promise<string> => {
  const found = await server.domain.users.findByLogin(username);
  if (!found) throw new Error(`There is no ${username}`);
  return found.user.id;
};

/** Registers the client, and listens for returning users; `await using` stops it. */
export const startClient = async (server: Server, { verified = true, ...input }: ClientOptions = {}) => {
  const landing = createServer((_request, response) => {
    response
      .setHeader("content-type", "text/html")
      .end("<!doctype html><title>Printshop</title><h1>Back at Printshop</h1>");
  });
  await new Promise<void>((resolve) => landing.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(landing.address() as AddressInfo).port}`;
  const redirectUri = input.redirectUris?.[0] ?? `${origin}/callback`;

  const { client: app, secret } = await server.domain.clients.register(
    RegisterClientInput.parse({
      name: "Printshop",
      kind: "web",
      uri: "https://printshop.example/about",
      redirectUris: [redirectUri],
      postLogoutRedirectUris: [`${origin}/bye`],
      scopes: ["profile:read", "profile:write", "notes:read"],
      ...input,
    }),
    verified ? "operator" : { userId: await idOf(server) },
    testSource,
  );
  const config = await discover(server, app.id, secret);
  return {
    client: app,
    config,
    origin,
    /** Starts authorization requests, and redeems their responses for tokens. */
    async begin(parameters: Record<string, string> = {}) {
      const { url, checks } = await beginAuthorization(config, {
        redirect_uri: redirectUri,
        scope: "openid profile:read",
        ...parameters,
      });
      return { url: url.href, redeem: (back: string) => client.authorizationCodeGrant(config, new URL(back), checks) };
    },
    async [Symbol.asyncDispose]() {
      landing.closeAllConnections();
      await new Promise((resolve) => landing.close(resolve));
    },
  };
};
