// Owns what the demo shows: a table that is drawn again in a terminal, and a line for each event elsewhere.

import type { Counts } from "./load.ts";
import type { Place } from "./proxy.ts";

const drawEveryMs = 250;

export const createTable = (
  servers: readonly (Place & { readonly version: number })[],
  counted: () => Counts & { readonly repeated: number },
) => {
  const isTerminal = process.stdout.isTTY;
  const startedAt = performance.now();
  const lines = () => {
    const { answered, retried, lost, repeated } = counted();
    return [
      ...servers.map(
        ({ ready, version, answered: calls }, n) =>
          `  server ${n + 1}   version ${version}   ${ready ? "ready    " : "not ready"} ${String(calls).padStart(8)} calls`,
      ),
      `  answered ${answered}   retried ${retried}   lost ${lost}   sent to another server ${repeated}`,
    ];
  };
  let drawn = 0;
  const draw = () => {
    if (!isTerminal) return;
    const text = lines();
    process.stdout.write(`${drawn > 0 ? `\x1b[${drawn}A\x1b[J` : ""}${text.join("\n")}\n`);
    drawn = text.length;
  };
  const timer = setInterval(draw, drawEveryMs);
  return {
    event(text: string): void {
      const at = ((performance.now() - startedAt) / 1000).toFixed(1).padStart(6);
      if (isTerminal && drawn > 0) process.stdout.write(`\x1b[${drawn}A\x1b[J`);
      drawn = 0;
      process.stdout.write(`${at} s  ${text}\n`);
      if (isTerminal) draw();
      else process.stdout.write(`${lines().at(-1)}\n`);
    },
    end(): void {
      clearInterval(timer);
      draw();
      if (!isTerminal) process.stdout.write(`${lines().join("\n")}\n`);
    },
  };
};
