// `prelude.mjs`, which every program of the repository loads first.

import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const prelude = new URL("../prelude.mjs", import.meta.url);

const poolSizeWith = (env: Record<string, string>) =>
  Number(
    execFileSync(process.execPath, ["--import", prelude.href, "--print", "process.env.UV_THREADPOOL_SIZE"], {
      env: { PATH: process.env["PATH"], ...env },
      encoding: "utf8",
    }),
  );

describe("the size of libuv's thread pool", () => {
  it("is two more than the number of cores, all of which may be hashing passwords", () => {
    expect(poolSizeWith({})).toBe(Math.max(4, availableParallelism() + 2));
  });

  it("can be set in the environment", () => {
    expect(poolSizeWith({ UV_THREADPOOL_SIZE: "7" })).toBe(7);
  });
});

describe("a version of Node that is too old", () => {
  const asNode20 = `data:text/javascript,Object.defineProperty(process, "versions", { value: { node: "20.19.0" } });
    Object.defineProperty(process, "version", { value: "v20.19.0" });`;
  const runAsNode20 = (file: string) =>
    spawnSync(process.execPath, ["--import", asNode20, file], { encoding: "utf8", env: { PATH: process.env["PATH"] } });

  it("is refused with the version that is needed", () => {
    const { status, stderr } = runAsNode20(prelude.pathname);
    expect([status, stderr]).toEqual([1, expect.stringContaining("needs Node 24 or newer; this is v20.19.0")]);
  });

  it("is refused with the command that installs the packages, before they are installed", () => {
    const clone = mkdtempSync(join(tmpdir(), "lockstep-prelude-"));
    copyFileSync(prelude, join(clone, "prelude.mjs"));
    const { status, stderr } = runAsNode20(join(clone, "prelude.mjs"));
    rmSync(clone, { recursive: true });
    expect([status, stderr]).toEqual([1, expect.stringContaining("npm run setup")]);
  });
});
