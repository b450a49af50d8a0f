// Two hundred clients that sign in at once, and again as soon as they may: a process of its own, so that it does
// not hold up who measures. Each is another user from another address. Prints how it was answered.

import { setTimeout as wait } from "node:timers/promises";
import { createCaller } from "./rpc.ts";

const url = process.env["SERVER_URL"] ?? "";
const password = process.env["PASSWORD"];
const until = performance.now() + Number(process.env["SECONDS"]) * 1000;
/** Whether a refused client waits as long as it was told. */
const patient = process.env["PATIENT"] === "yes";
const clients = 200;

const answers: Record<string, number> = {};
const caller = createCaller(url, clients);

const client = async (n: number) => {
  const from = { "x-forwarded-for": `10.1.0.${n}` };
  while (performance.now() < until) {
    const { status, retryAfterSeconds } = await caller.mutate("auth.login", { username: `user-${n}`, password }, from);
    answers[status] = (answers[status] ?? 0) + 1;
    // Those that were told the same do not all come back in the same moment.
    if (patient && retryAfterSeconds > 0) await wait(retryAfterSeconds * 1000 * (1 + Math.random()));
  }
};
await Promise.all(Array.from({ length: clients }, (_, n) => client(n)));
caller.close();
process.stdout.write(JSON.stringify(answers));
