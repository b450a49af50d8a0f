// What every program starts with: `prelude.mjs`.

import { execFileSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { describe, expect, it } from "vitest";

const prelude = new URL("../prelude.mjs", import.meta.url).href;

const poolSizeWith = (env: Record<string, string>) =>
  Number(
    execFileSync(process.execPath, ["--import", prelude, "--print", "process.env.UV_THREADPOOL_SIZE"], {
      env: { PATH: process.env["PATH"], ...env },
      encoding: "utf8",
    }),
  );

describe("the size of libuv's pool", () => {
  it("is two threads more than there are cores, for those may all hash passwords", () => {
    expect(poolSizeWith({})).toBe(Math.max(4, availableParallelism() + 2));
  });

  it("is what the environment says", () => {
    expect(poolSizeWith({ UV_THREADPOOL_SIZE: "7" })).toBe(7);
  });
});
