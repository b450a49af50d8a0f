// Ten thousand mails in the queue, sent to a mail server on this machine: how long it takes, and whether the server's live
// memory grows with the queue.

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { createDomain } from "@lockstep/server/compose-domain";
import { openDatabase } from "@lockstep/server/database";
import { fixtureApp } from "@lockstep/server/fixture-app";
import { testConfig } from "@lockstep/server/testing";
import { SMTPServer } from "smtp-server";
import { type BenchDatabase, newDatabase, secret } from "./database.ts";
import { lockstep, start } from "./processes.ts";
import type { Table } from "./report.ts";

const count = 10_000;

/** Templates, parsed mails and open connections. */
const mostGrowthMegabytes = 20;

/** A mail server that reads and forgets. */
const startSink = async () => {
  let received = 0;
  const recipients = new Set<string>();
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    disableReverseLookup: true,
    onData(stream, { envelope }, done) {
      stream.resume();
      stream.on("end", () => {
        received++;
        for (const { address } of envelope.rcptTo) recipients.add(address);
        done();
      });
    },
  });
  server.listen(0, "127.0.0.1");
  await once(server.server, "listening");
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    received: () => received,
    /** How many different people have got a mail. */
    reached: () => recipients.size,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
};

const fillQueue = async ({ url }: BenchDatabase): Promise<void> => {
  const db = await openDatabase(url);
  const { messages } = await createDomain(db, { app: fixtureApp, config: { ...testConfig(url), secret } });
  const event = { username: "john", at: Date.now(), address: "192.0.2.1", userAgent: "a browser" };
  try {
    for (let sent = 0; sent < count; sent += 500)
      await db.transaction().execute(async (transaction) => {
        for (let n = sent; n < sent + 500; n++)
          await messages.send(
            { template: "password_changed", to: `user-${n}@example.com`, userId: null, data: event },
            transaction,
          );
      });
  } finally {
    await db.destroy();
  }
};

export const mails = async (): Promise<Table[]> => {
  const sink = await startSink();
  const database = await newDatabase({ MAIL_URL: sink.url });
  try {
    await fillQueue(database);
    const probe = ["--expose-gc", "--import", new URL("heap-probe.ts", import.meta.url).href];
    const server = await start(lockstep, database.env, probe);
    const liveBytes = async (): Promise<number> => {
      const answered = once(server.child, "message");
      server.child.send("live bytes");
      return (await answered)[0] as number;
    };
    try {
      const startedAt = performance.now();
      const live: number[] = [];
      while (sink.reached() < count) {
        await wait(250);
        live.push(await liveBytes());
      }
      const seconds = (performance.now() - startedAt) / 1000;
      const first = live[0] ?? 0;
      return [
        {
          title: `${count.toLocaleString("en")} mails in the queue, sent by SMTP to this machine`,
          figures: [
            { name: "seconds", values: [seconds], digits: 1 },
            { name: "mails a second", values: [count / seconds] },
            { name: "live memory at first, MB", values: [first / 1e6], digits: 1 },
            {
              name: "growth of live memory, MB",
              values: [(Math.max(...live) - first) / 1e6],
              digits: 1,
              target: `≤ ${mostGrowthMegabytes}`,
            },
            { name: "mails that arrived more than once", values: [sink.received() - count], target: "≤ 0" },
          ],
        },
      ];
    } finally {
      await server.stop();
    }
  } finally {
    database.remove();
    await sink.close();
  }
};
