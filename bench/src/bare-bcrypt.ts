// The upper limit for sign-ins: @node-rs/bcrypt verifying passwords, and nothing else. Prints the number per second.

import { compare, hash } from "@node-rs/bcrypt";

const [count, concurrency, cost] = ["COUNT", "CONCURRENCY", "COST"].map((name) => Number(process.env[name])) as [
  number,
  number,
  number,
];
// As long as the server's input of bcrypt.
const typed = "x".repeat(64);
const stored = await hash(typed, { cost });
await compare(typed, stored);

let left = count;
const startedAt = performance.now();
await Promise.all(
  Array.from({ length: concurrency }, async () => {
    while (left-- > 0) await compare(typed, stored);
  }),
);
process.stdout.write(JSON.stringify(count / ((performance.now() - startedAt) / 1000)));
