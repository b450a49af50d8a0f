// Owns meetings of a visitor of the app with a third-party client.

import type { Browser } from "playwright-core";
import { type ClientOptions, startClient, startServer } from "./client.ts";
import { type VisitOptions, visitsBy } from "./visitor.ts";

export const meetingsBy = (browser: () => Browser) => {
  const visits = visitsBy(browser, startServer);

  /** A visitor, signed in as john by default, and a third-party client. */
  return async ({
    signedIn = true,
    app: clientOptions = {},
    ...options
  }: VisitOptions & { readonly signedIn?: boolean; readonly app?: ClientOptions } = {}) => {
    const visitor = await (signedIn ? visits.visitSignedIn(options) : visits.visit("/sign-in", options));
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
