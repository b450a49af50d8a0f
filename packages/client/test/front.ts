// Owns the front of the hosts that a test's browser knows: TLS for all of them, pages at most of them, and the server
// under test behind one.

import { once } from "node:events";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";

/** A request that a page made to the server. */
interface Recorded {
  readonly origin: string | undefined;
  readonly method: string | undefined;
  /** The path, without `/trpc/` and the input. */
  readonly path: string | undefined;
  readonly site: unknown;
  /** Whether it carried a cookie. */
  readonly cookie: boolean;
  status: number | undefined;
}

/** @param script the script of the pages */
export const startFront = async (script: string) => {
  const behind = { host: "", url: "", requests: [] as Recorded[] };

  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const { method, url = "", headers } = request;
    if (headers.host === behind.host) {
      const { origin, cookie, "sec-fetch-site": site } = headers;
      const path = /^\/trpc\/([^?]*)/.exec(url)?.[1];
      const recorded: Recorded = { origin, method, path, site, cookie: cookie !== undefined, status: undefined };
      behind.requests.push(recorded);
      const forwarded = http.request(behind.url + url, { method, headers }, (answered) => {
        recorded.status = answered.statusCode;
        response.writeHead(answered.statusCode ?? 502, answered.headers);
        answered.pipe(response);
      });
      forwarded.on("error", () => response.destroy());
      response.on("close", () => forwarded.destroy());
      request.pipe(forwarded);
      return;
    }
    const [type, body] = url.startsWith("/page.js")
      ? ["text/javascript", script]
      : url.startsWith("/sandbox")
        ? ["text/html", `<!doctype html><iframe sandbox="allow-scripts" src="/?${url.split("?")[1]}"></iframe>`]
        : ["text/html", '<!doctype html><script src="/page.js"></script>'];
    response.writeHead(200, { "content-type": type }).end(body);
  };

  const listening = async (server: http.Server | https.Server) => {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const [secure, plain] = [https.createServer({ key, cert }, answer), http.createServer(answer)];
  return {
    behind,
    secure: await listening(secure),
    plain: await listening(plain),
    close() {
      for (const server of [secure, plain]) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
};

/** A key of these tests alone, and its certificate. Their browser accepts any. */
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjEWCWOFTxAM9fqSl
JOe8xBTCN8BMUIj6WRk4nQe2vF6hRANCAASqXJ/OesA/xkieYxbSa+E34k1Xrb2A
ft0cvS79X3POYec0nqwTDArC1WhsEb3+HhEtmD2g/+CelHVWbxHavSFX
-----END PRIVATE KEY-----`;
const cert = `-----BEGIN CERTIFICATE-----
MIIBkTCCATegAwIBAgIUfpqOBbXnNmMIGAqFgWNgko+kkRMwCgYIKoZIzj0EAwIw
EDEOMAwGA1UEAwwFdGVzdHMwIBcNMjYxMTI3MDIwMjE1WhgPMjEyNjExMDMwMjAy
MTVaMBAxDjAMBgNVBAMMBXRlc3RzMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
qlyfznrAP8ZInmMW0mvhN+JNV629gH7dHL0u/V9zzmHnNJ6sEwwKwtVobBG9/h4R
LZg9oP/gnpR1Vm8R2r0hV6NtMGswHQYDVR0OBBYEFFOrnRilWkc1OldgjAfDxTg8
K/LHMB8GA1UdIwQYMBaAFFOrnRilWkc1OldgjAfDxTg8K/LHMA8GA1UdEwEB/wQF
MAMBAf8wGAYDVR0RBBEwD4INKi5leGFtcGxlLmNvbTAKBggqhkjOPQQDAgNIADBF
AiAcORMG327zVfz6ZwzmgUvRiL3HdbIvAoljRdnzDHt0EwIhAMfGJwt9QzqOpKw4
zh/drVafmJj4zdL5Ug1vrp19SBAL
-----END CERTIFICATE-----`;
