// A flood of sign-ins, in a process of its own so that it does not delay the measurement. Prints the number of answers by
// status. `KIND` is `patient` or `impatient`: 200 clients, each a different user from a different address, sign in again and
// again, after the `Retry-After` or at once. `refused`: so many guesses per second at one account that nearly all are refused.

import { setTimeout as wait } from "node:timers/promises";
import { createCaller } from "./rpc.ts";
import { atSteadyPace } from "./steady-pace.ts";

const url = process.env["SERVER_URL"] ?? "";
const password = process.env["PASSWORD"];
const kind = process.env["KIND"] ?? "";
const seconds = Number(process.env["SECONDS"]);
const until = performance.now() + seconds * 1000;
const clients = 200;
/** As many as one attacker was observed to send. */
const guessesPerSecond = 870;

const answers: Record<string, number> = {};
const caller = createCaller(url, clients);

const signIn = async (n: number, username: string, typed: string | undefined) => {
  const from = { "x-forwarded-for": `10.1.0.${n}` };
  const answer = await caller.mutate("auth.login", { username, password: typed }, from);
  answers[answer.status] = (answers[answer.status] ?? 0) + 1;
  return answer;
};

const client = async (n: number) => {
  while (performance.now() < until) {
    const { retryAfterSeconds } = await signIn(n, `user-${n}`, password);
    // Jitter: clients with the same `Retry-After` do not all return at the same moment.
    if (kind === "patient" && retryAfterSeconds > 0) await wait(retryAfterSeconds * 1000 * (1 + Math.random()));
  }
};

if (kind === "refused") await atSteadyPace(guessesPerSecond, seconds, (n) => signIn(n % clients, "user-0", "a guess"));
else await Promise.all(Array.from({ length: clients }, (_, n) => client(n)));
caller.close();
process.stdout.write(JSON.stringify(answers));
