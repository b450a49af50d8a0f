// Owns the machine's randomness, read in blocks: one system call for a few hundred IDs.

import { randomFillSync } from "node:crypto";
import type { Random } from "./domain/kernel/environment.ts";

const blockBytes = 4096;

/** Bytes of the system's generator. Used bytes are wiped from the block, and never returned again. */
export const systemRandom = (): Random => {
  const block = new Uint8Array(blockBytes);
  let used = blockBytes;
  return (sizeBytes) => {
    if (sizeBytes > blockBytes) return randomFillSync(new Uint8Array(sizeBytes));
    if (used + sizeBytes > blockBytes) {
      randomFillSync(block);
      used = 0;
    }
    const given = block.slice(used, used + sizeBytes);
    block.fill(0, used, used + sizeBytes);
    used += sizeBytes;
    return given;
  };
};
