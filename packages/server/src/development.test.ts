import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { developmentSecretPrefix } from "./config.ts";
import { loadConfigWithSecret } from "./development.ts";
import { systemRandom } from "./random.ts";

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

it("[S97] creates a secret that only its owner can read, and keeps it", () => {
  const root = mkdtempSync(join(tmpdir(), "lockstep-"));
  const file = join(root, ".data/secret");
  const load = (env: Record<string, string> = {}) => loadConfigWithSecret(env, root, systemRandom()).secret;
  try {
    const secret = load();
    expect(secret.startsWith(developmentSecretPrefix)).toBe(true);
    expect(readFileSync(file, "utf8").trim()).toBe(secret);
    expect([modeOf(file), modeOf(dirname(file))]).toEqual(["600", "700"]);
    // An earlier version may have made it readable by others.
    chmodSync(file, 0o644);
    expect(load()).toBe(secret);
    expect(modeOf(file)).toBe("600");
    const given = "rX6xYbRhsv0rZFr3PZ1mcWUwHkFbHRO5qzEdAO7Yx5k=";
    expect(load({ SECRET: given })).toBe(given);
  } finally {
    rmSync(root, { recursive: true });
  }
});
