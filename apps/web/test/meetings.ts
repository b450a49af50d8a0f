// Owns meetings of a visitor of the app with a third-party client.

import type { Browser } from "playwright-core";
import { type ClientOptions, startClient, startServer } from "./client.ts";
import { type VisitOptions, visitsBy } from "./visitor.ts";

export const meetingsBy = (browser: () => Browser) => {
  const visits = visitsBy(browser, startServer);

  /** A visitor with an empty page, signed in as john by default, and a third-party client. */
  return async ({
    path = null,
    app: clientOptions = {},
    ...options
  }: VisitOptions & { readonly path?: string | null; readonly app?: ClientOptions } = {}) => {
    const visitor = await visits.visit(path, { signedIn: true, ...options });
    const app = await startClient(visitor.server, clientOptions);
    return {
      ...visitor,
      app,
      async [Symbol.asyncDispose]() {
        await app[Symbol.asyncDispose]();
        await visitor[Symbol.asyncDispose]();
      },
    };
  };
};
