// Writes through the driver until it is killed, and reports each write to its parent before and after it.

import { once } from "node:events";
import { enableCompileCache } from "node:module";
import { join } from "node:path";
import type { DatabaseUrl } from "../../src/db/database.ts";
import type { WriteState } from "./writes.ts";

enableCompileCache(join(import.meta.dirname, "../../../../node_modules/.cache/node-compile"));

export interface WriterMessage {
  readonly id: string;
  readonly state: WriteState;
}

const asked = once(process, "message") as Promise<[DatabaseUrl]>;
const { openDatabase } = await import("../../src/db/database.ts");
const { createWriter } = await import("./writes.ts");
const [url] = await asked;
const db = await openDatabase(url);
const tell = (id: string, state: WriteState) =>
  new Promise<void>((resolve) => process.send?.({ id, state } satisfies WriterMessage, () => resolve()));
const { writePair, writeSingle } = createWriter(db, tell);

/** Another process may have the lock for longer than a write waits. */
const unlessUnavailable = (error: unknown) => {
  if ((error as Error).name !== "DatabaseUnavailableError") throw error;
};
const goOn = async (step: () => Promise<void>) => {
  for (;;) await step().catch(unlessUnavailable);
};
await Promise.all([writePair, writePair, writeSingle].map(goOn));
