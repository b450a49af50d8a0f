// Owns an nginx that runs `docs/nginx.conf`: Debian's `nginx-light`, or the one at `NGINX_PATH`. Without nginx its tests are
// skipped; with `REQUIRE_NGINX=1` they fail.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./processes.ts";

const path = process.env["NGINX_PATH"] ?? "/usr/sbin/nginx";

export const hasNginx = existsSync(path);
if (!hasNginx && process.env["REQUIRE_NGINX"] === "1")
  throw new Error(`There is no nginx at ${path}. Install it, or set NGINX_PATH.`);

const documented = readFileSync(join(import.meta.dirname, "../docs/nginx.conf"), "utf8");

export interface NginxOptions {
  /** Ports of this machine that replace the documented servers. */
  readonly ports: readonly [number, number, number];
  /** Replaces the documented `fail_timeout`. */
  readonly failTimeoutSeconds: number;
}

/** The documented configuration with the addresses, certificates and time-out of the test. */
const siteOf = (port: number, { ports, failTimeoutSeconds }: NginxOptions): string => {
  const replacements: [string, string][] = [
    ...ports.map((each, n): [string, string] => [`10.0.0.1${n + 1}:3000`, `127.0.0.1:${each}`]),
    ["fail_timeout=6s", `fail_timeout=${failTimeoutSeconds}s`],
    ["listen 443 ssl;", `listen 127.0.0.1:${port};`],
    ["ssl_certificate /etc/ssl/api.example.com.pem;", ""],
    ["ssl_certificate_key /etc/ssl/api.example.com.key;", ""],
  ];
  return replacements.reduce((site, [from, to]) => {
    if (!site.includes(from)) throw new Error(`docs/nginx.conf has no ${from}`);
    return site.replaceAll(from, to);
  }, documented);
};

export const startNginx = async (options: NginxOptions) => {
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), "lockstep-nginx-"));
  // If root starts nginx, its workers run as another user.
  chmodSync(directory, 0o755);
  writeFileSync(join(directory, "site.conf"), siteOf(port, options));
  writeFileSync(
    join(directory, "nginx.conf"),
    `daemon off;
worker_processes 2;
pid nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
  log_format served '$upstream_addr $status $request';
  access_log served.log served;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  include site.conf;
}
`,
  );
  const child = spawn(path, ["-e", "stderr", "-p", directory, "-c", "nginx.conf"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const exited = once(child, "exit");
  let errors = "";
  child.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  const accepts = async () => {
    const socket = connect(port, "127.0.0.1");
    const accepted = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    return accepted;
  };
  while (!(await accepts())) if (child.exitCode !== null) throw new Error(`nginx did not start: ${errors}`);
  return {
    url: `http://127.0.0.1:${port}`,
    /** Its error log so far. */
    errors: () => errors,
    /** Whether nginx excluded the server at this port because it was not ready. */
    excluded: (server: number): boolean =>
      new RegExp(`temporarily disabled while reading response header.*:${server}/readyz"`).test(errors),
    /** The number of calls that the server at this port answered. */
    servedBy: (server: number): number =>
      readFileSync(join(directory, "served.log"), "utf8")
        .split("\n")
        .filter((line) => line.startsWith(`127.0.0.1:${server} 200 `)).length,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await exited;
      rmSync(directory, { recursive: true });
    },
  };
};
