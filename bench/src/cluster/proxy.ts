// Owns a load balancer as small as possible: calls go to the servers that are ready, in turns. It repeats a call on
// another server only if it cannot have been executed, or if it changes nothing, as `docs/nginx.conf` does.

import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** A place for a server behind the proxy. `url`: of the server there. `null`: there is none. */
export interface Place {
  url: string | null;
  ready: boolean;
  answered: number;
}

const checkEveryMs = 100;

/** An unanswered check means that the server is not ready. */
const checkLimitMs = 1000;

export const startProxy = async (places: readonly Place[]) => {
  const agent = new Agent({ keepAlive: true });
  const over = new AbortController();
  let repeated = 0;
  let turn = 0;

  const check = async (place: Place) => {
    while (!over.signal.aborted) {
      const { url } = place;
      const ready =
        url !== null &&
        (await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(checkLimitMs) }).then(
          async (answer) => {
            await answer.arrayBuffer();
            return answer.ok;
          },
          () => false,
        ));
      if (place.url === url) place.ready = ready;
      await delay(checkEveryMs, undefined, { signal: over.signal }).catch(() => {});
    }
  };

  const next = (tried: ReadonlySet<Place>): Place | null => {
    const left = places.filter((place) => place.ready && place.url !== null && !tried.has(place));
    return left[turn++ % left.length] ?? null;
  };

  /** Sends a call to one server. Resolves when it was answered, or with whether it reached the server. */
  const send = (place: Place, incoming: IncomingMessage, body: Buffer, outgoing: ServerResponse) =>
    new Promise<"answered" | "refused" | "lost">((resolve) => {
      const { method, headers } = incoming;
      const outbound = request(`${place.url}${incoming.url}`, { agent, method, headers });
      outbound.on("error", (error: NodeJS.ErrnoException) => {
        if (outgoing.headersSent) outgoing.destroy();
        resolve(error.code === "ECONNREFUSED" ? "refused" : "lost");
      });
      outbound.on("response", (response) => {
        outgoing.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(outgoing);
        response.on("error", () => outgoing.destroy());
        response.on("end", () => {
          place.answered++;
          resolve("answered");
        });
      });
      outbound.end(body);
    });

  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer); // no encoding is set
    const tried = new Set<Place>();
    for (let place = next(tried); place; place = next(tried)) {
      tried.add(place);
      const end = await send(place, incoming, Buffer.concat(chunks), outgoing);
      if (end === "answered" || outgoing.headersSent) return;
      // It may take some time until the next check notices.
      place.ready = false;
      if (end === "lost" && incoming.method !== "GET") break;
      repeated++;
    }
    outgoing.writeHead(502).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const checks = places.map(check);

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Calls that were sent to another server. */
    repeated: () => repeated,
    async stop() {
      over.abort();
      await Promise.all(checks);
      server.close();
      server.closeAllConnections();
      agent.destroy();
    },
  };
};
