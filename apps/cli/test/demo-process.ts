// Owns the demo as a child process, and its output.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";

const main = join(import.meta.dirname, "../src/main.ts");

/** Starts the demo. `shown` waits until the output matches `pattern`, and returns the first group. */
export const startDemo = (args: readonly string[], env: Record<string, string> = {}) => {
  const child = spawn(process.execPath, [main, ...args], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  // A process that exits without reading closes its input first.
  child.stdin.on("error", () => {});
  let seen = "";
  const waiting = new Set<() => void>();
  const look = () => {
    for (const each of [...waiting]) each();
  };
  child.stdout.on("data", (chunk: Buffer) => {
    seen += chunk.toString();
    look();
  });
  const ended = Promise.all([text(child.stderr), once(child, "close")]).then(([stderr, [exitCode]]) => ({
    exitCode: exitCode as number | null,
    stdout: seen,
    stderr,
  }));
  return {
    stdin: child.stdin,
    ended,
    shown: (pattern: RegExp): Promise<string> => {
      const found = Promise.withResolvers<string>();
      const check = () => {
        const match = pattern.exec(seen);
        if (match) found.resolve(match[1] ?? "");
      };
      waiting.add(check);
      check();
      void ended.then(({ stderr }) => found.reject(new Error(`The demo has ended: ${stderr}`)));
      return found.promise;
    },
  };
};
