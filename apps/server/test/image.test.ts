// What a container image has, without Docker: the files that `image.ts` copies are a whole server with its admin commands, and
// nothing in them changes while it runs.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { freePort } from "@lockstep/server/authorization-server-testing";
import { expect, it } from "vitest";

const password = "seven wooden kites in the rain";
const program = ["--import", "@lockstep/server/prelude"];

/** The files of a folder with their sizes and times. */
const filesOf = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => {
    const { size, mtimeMs } = statSync(join(folder, name));
    return `${name} ${size} ${mtimeMs}`;
  });

it("signs in a user whom an administrator created, and changes none of its files", async () => {
  const directory = mkdtempSync(join(tmpdir(), "lockstep-image-"));
  const image = join(directory, "app");
  try {
    execFileSync(process.execPath, [join(import.meta.dirname, "../image.ts"), image]);
    const files = filesOf(image);
    const port = await freePort();
    const env = {
      NODE_ENV: "production",
      DATABASE_URL: `file:${join(directory, "lockstep.db")}`,
      HOST: "127.0.0.1",
      PORT: String(port),
      PUBLIC_URL: "https://api.example.com",
      TRUST_PROXY: "127.0.0.1",
      SECRET: "a secret of the tests, of thirty-two characters",
      MAIL: "off",
      SHUTDOWN_DELAY_SECONDS: "0",
      // An image is read-only.
      NODE_DISABLE_COMPILE_CACHE: "1",
    };
    const server = spawn(process.execPath, [...program, "apps/server/dist/main.js"], { cwd: image, env });
    const ended = once(server, "exit");
    const errors = text(server.stderr);
    const ready = new Promise<void>((resolve) => {
      server.stdout.on("data", (chunk: Buffer) => {
        if (chunk.includes("Lockstep is ready")) resolve();
      });
    });
    await Promise.race([ready, ended.then(async () => Promise.reject(new Error(await errors)))]);

    const create = ["apps/server/dist/admin.js", "user", "create", "jane", "--email", "jane@example.com"];
    execFileSync(process.execPath, [...program, ...create], { cwd: image, env, input: `${password}\n` });
    const url = `http://127.0.0.1:${port}`;
    const token = await fetch(`${url}/token`, {
      method: "POST",
      body: new URLSearchParams({ username: "jane", password }),
    });
    expect(await token.json()).toMatchObject({ token_type: "bearer" });
    // The web app, and the API's documentation, which comes from another package.
    for (const path of ["/readyz", "/", "/docs/swagger-ui-bundle.js"]) {
      const { status } = await fetch(url + path);
      expect([path, status]).toEqual([path, 200]);
    }

    server.kill("SIGTERM");
    expect(await ended).toEqual([0, null]);
    expect(filesOf(image)).toEqual(files);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
