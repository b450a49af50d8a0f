// Owns servers of this app for tests of its operations, its web pages and its demo clients.

import { resolve } from "node:path";
import type { Contract } from "@app/contract";
import { createClient, memoryTokens } from "@lockstep/client";
import { signInAs, startTestServer, type TestServerOptions } from "@lockstep/server/testing";
import { app } from "./app.ts";

export type AppServerOptions = Omit<TestServerOptions<Contract>, "app">;

/** The options of `startTestServer` to serve this app and its built web app, and to print why a call failed with a 500. */
export const served = { app, webDirectory: resolve(import.meta.dirname, "../../web/dist"), logger: { level: "error" } };

/** A server of this app with the user `john`, listening on a free port of this machine; `await using` closes it. */
export const startAppServer = (options: AppServerOptions = {}) => startTestServer<Contract>({ ...served, ...options });

export type AppServer = Awaited<ReturnType<typeof startAppServer>>;

/** A first-party client with a signed-in user. Creates the account if there is none. */
export const signedInClient = async (server: AppServer, username?: string) => {
  const { user, accessToken } = await signInAs(server, username);
  const client = createClient<Contract>({ url: server.url, tokens: memoryTokens({ accessToken }) });
  return { user, accessToken, client };
};
