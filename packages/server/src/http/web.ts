// Owns serving the web app: its built files, and its page for every URL that no route answers. In development, Vite
// serves both from the sources at the same URL.

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";

export const webRoutes =
  ({ directory, devUrl }: { directory: string | null; devUrl: string | null }) =>
  async (app: FastifyInstance) => {
    if (devUrl !== null) {
      const { default: proxy } = await import("@fastify/http-proxy");
      // CORS answers `OPTIONS *`, and Vite only GET and HEAD. Hot updates use WebSockets.
      await app.register(proxy, { upstream: devUrl, httpMethods: ["GET", "HEAD"], websocket: true });
      return;
    }
    if (directory === null || !existsSync(join(directory, "index.html"))) {
      app.get("/", async (_request, reply) =>
        reply
          .code(503)
          .type("text/plain")
          .send("The web app is not built yet: run `npm run build`, then start again.\n"),
      );
      return;
    }
    const { default: fastifyStatic } = await import("@fastify/static");
    await app.register(fastifyStatic, {
      root: directory,
      wildcard: false,
      preCompressed: true,
      setHeaders(reply, path) {
        // A built file's name changes with its content; the page that names them must be revalidated each time.
        const immutable = path.startsWith(join(directory, "assets"));
        reply.header("cache-control", immutable ? "public, max-age=31536000, immutable" : "no-cache");
      },
    });
    app.setNotFoundHandler((request, reply) => {
      const wantsPage = /^(GET|HEAD)$/.test(request.method) && (request.headers.accept ?? "").includes("text/html");
      return wantsPage ? reply.sendFile("index.html") : reply.code(404).send({ status: 404, title: "Not found" });
    });
  };
