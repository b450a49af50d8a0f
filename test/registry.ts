// Owns a package registry on this machine: `verdaccio` on a free port, with temporary storage. It fetches other packages from
// npm's configured registry.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { freePort } from "./processes.ts";

const verdaccio = () => {
  const manifest = createRequire(import.meta.url).resolve("verdaccio/package.json");
  return join(dirname(manifest), "bin/verdaccio");
};

const npmSetting = (name: string) => execFileSync("npm", ["config", "get", name], { encoding: "utf8" }).trim();

export const startRegistry = async () => {
  const directory = await mkdtemp(join(tmpdir(), "lockstep-registry-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  const ours = { access: "$all", publish: "$all", unpublish: "$all" };
  const config = {
    storage: join(directory, "storage"),
    uplinks: { upstream: { url: npmSetting("registry"), maxage: "1h", timeout: "120s", max_fails: 1000 } },
    packages: { "@lockstep/*": ours, "create-lockstep": ours, "**": { access: "$all", proxy: "upstream" } },
    log: { type: "stdout", format: "json", level: "warn" },
    web: { enable: false },
    max_body_size: "50mb",
  };
  // JSON is YAML.
  await writeFile(join(directory, "config.yaml"), JSON.stringify(config));
  const child = spawn(
    process.execPath,
    [verdaccio(), "--config", join(directory, "config.yaml"), "--listen", `127.0.0.1:${port}`],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  const exited = once(child, "exit");
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk) => {
      output += chunk;
    });
  const answers = () =>
    fetch(`${url}-/ping`).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await answers())) if (child.exitCode !== null) throw new Error(`verdaccio did not start: ${output}`);
  return {
    url,
    /** Environment that makes npm and pnpm install from it. */
    env: { npm_config_registry: url, pnpm_config_registry: url },
    /** Its output so far. */
    output: () => output,
    /** Lets npm and pnpm publish to it from a folder. It accepts any token, but they must send one. */
    configure: (folder: string) =>
      writeFile(join(folder, ".npmrc"), `registry=${url}\n//127.0.0.1:${port}/:_authToken=anybody\n`),
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await exited;
      await rm(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
};
