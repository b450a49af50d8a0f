// tRPC's own Fastify adapter over the router that Lockstep serves, on a Fastify without other plugins.

import { randomUUID } from "node:crypto";
import { loadConfig } from "@lockstep/server/config";
import { type Context, createContext } from "@lockstep/server/context";
import { fixtureApp } from "@lockstep/server/fixture-app";
import { createServer } from "@lockstep/server/server";
import { type FastifyTRPCPluginOptions, fastifyTRPCPlugin } from "@trpc/server/adapters/fastify";
import Fastify from "fastify";

const config = loadConfig(process.env, process.cwd());
const { domain, router, close } = await createServer({
  app: fixtureApp,
  config: { ...config, secret: config.secret ?? "" },
});

/** No cookies: its clients store their tokens themselves. */
const noCookies: Context["cookies"] = {
  refreshToken: null,
  deviceToken: null,
  foreign: false,
  fromBrowser: false,
  setRefreshToken() {},
  clearRefreshToken() {},
  setDeviceToken() {},
  proofSecret: null,
  setProofSecret() {},
  authorizationSecret: () => null,
  clearAuthorization() {},
};

const app = Fastify({ routerOptions: { maxParamLength: 5000 } });
app.get("/healthz", async () => ({ status: "ok" }));
await app.register(fastifyTRPCPlugin, {
  prefix: "/trpc",
  trpcOptions: {
    router,
    createContext: ({ req }) => {
      const [scheme, token] = req.headers.authorization?.split(" ") ?? [];
      return createContext(domain.guard, {
        requestId: randomUUID(),
        credential: scheme === "Bearer" && token ? { kind: "bearer", token } : { kind: "none" },
        source: { address: req.ip, userAgent: req.headers["user-agent"] ?? null, requestId: null },
        cookies: noCookies,
        credentialCalls: 1,
        streamed: false,
      });
    },
  } satisfies FastifyTRPCPluginOptions<typeof router>["trpcOptions"],
});

await app.listen({ port: config.port, host: config.host });
process.once("SIGTERM", () => void Promise.all([app.close(), close()]).then(() => process.exit(0)));
