// The memory of open streams in the server, and how long it takes to end them.

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { type BenchDatabase, fill, type KnownSession, newDatabase, pickSessions } from "./database.ts";
import { pace } from "./pace.ts";
import { cpuTicks, lockstep, type Running, start } from "./processes.ts";
import type { Table } from "./report.ts";
import { createCaller, dataOf } from "./rpc.ts";

/** The maximum of one server (`docs/sessions.md`). */
const streamCount = pace.quick ? 2000 : 10_000;
const ended = 2000;
const streamsPerSession = 10;
const streamsPerUser = 100;
/** How many streams are opened at once. */
const openedAtOnce = 200;

/** Longer than the time between two signs of life of a stream. */
const idleSeconds = pace.quick ? 5 : 60;

const mostKilobytesPerStream = 30;
const mostSecondsToEnd = 1;

export const openedStreams = async (): Promise<Table[]> => {
  const database = await newDatabase();
  await fill(database, streamCount / streamsPerUser);
  try {
    const sessions = await pickSessions(database.url, streamCount / streamsPerSession);
    return [await measureMemory(database, sessions), await measureEnd(database, sessions)];
  } finally {
    database.remove();
  }
};

/** CPU time of the server while all streams are open and nobody does anything: their signs of life, and its upkeep. */
const idleCpuPercent = async ({ child: { pid = 0 } }: Running): Promise<number> => {
  // What was opened last is still being cleaned up.
  await wait(2000);
  const before = cpuTicks(pid);
  await wait(idleSeconds * 1000);
  // A tick is a hundredth of a second, so one for each second is a percent.
  return (cpuTicks(pid) - before) / idleSeconds;
};

const measureMemory = async ({ env }: BenchDatabase, sessions: KnownSession[]): Promise<Table> => {
  const probe = ["--expose-gc", "--import", new URL("heap-probe.ts", import.meta.url).href];
  const server = await start(lockstep, env, probe);
  const streams: Stream[] = [];
  try {
    const tokens = await accessTokens(server, sessions);
    // The first stream loads code; that is not a cost of each stream.
    await openStreams(server, tokens, streams, 1);
    const before = { live: await liveBytes(server), resident: server.residentBytes() };
    await openStreams(server, tokens, streams, streamCount);
    const after = { live: await liveBytes(server), resident: server.residentBytes() };
    const idleShare = await idleCpuPercent(server);
    const perStream = (bytes: number) => bytes / (streamCount - 1) / 1000;
    return {
      title: `${streamCount} streams of session events`,
      figures: [
        {
          name: "resident memory per stream, kB",
          values: [perStream(after.resident - before.resident)],
          digits: 1,
          target: `≤ ${mostKilobytesPerStream}`,
        },
        { name: "live memory per stream, kB", values: [perStream(after.live - before.live)], digits: 1 },
        { name: "resident memory of the server, MB", values: [after.resident / 1e6], target: "≤ 300" },
        {
          name: `CPU time while nothing happens for ${idleSeconds} s, % of a core`,
          values: [idleShare],
          digits: 1,
          target: "≤ 3",
        },
      ],
    };
  } finally {
    for (const { socket } of streams) socket.destroy();
    await server.stop();
  }
};

const measureEnd = async ({ env }: BenchDatabase, sessions: KnownSession[]): Promise<Table> => {
  const server = await start(lockstep, env);
  const streams: Stream[] = [];
  try {
    const tokens = await accessTokens(server, sessions.slice(0, ended / streamsPerSession));
    await openStreams(server, tokens, streams, ended);
    const ends = Promise.all(streams.map(({ end }) => end));
    const toldAt = performance.now();
    const stopped = server.stop();
    await ends;
    const seconds = (performance.now() - toldAt) / 1000;
    await stopped;
    return {
      title: `The end of ${ended} streams`,
      figures: [
        {
          name: "from SIGTERM to the end of the last stream, s",
          values: [seconds],
          digits: 2,
          target: `≤ ${mostSecondsToEnd}`,
        },
      ],
    };
  } finally {
    for (const { socket } of streams) socket.destroy();
    await server.stop();
  }
};

/** Opens `count` streams, ten with each token. */
const openStreams = async (server: Running, tokens: readonly string[], streams: Stream[], count: number) => {
  while (streams.length < count) {
    const size = Math.min(openedAtOnce, count - streams.length);
    const next = Array.from({ length: size }, (_, n) => {
      const token = tokens[Math.floor((streams.length + n) / streamsPerSession)];
      if (token === undefined) throw new Error("Too few sessions");
      return openStream(server, token);
    });
    streams.push(...(await Promise.all(next)));
  }
};

/** The access token of each session. */
const accessTokens = async ({ url }: Running, sessions: KnownSession[]): Promise<string[]> => {
  const caller = createCaller(url, 8);
  try {
    return await Promise.all(
      sessions.map(async (session) => {
        const answer = await caller.mutate("auth.refresh", { refreshToken: session.refreshToken });
        const { accessToken, refreshToken } = dataOf<{ accessToken: string; refreshToken: string }>(answer);
        session.refreshToken = refreshToken;
        return accessToken;
      }),
    );
  } finally {
    caller.close();
  }
};

const liveBytes = async ({ child }: Running): Promise<number> => {
  const answered = once(child, "message");
  child.send("live bytes");
  return (await answered)[0] as number;
};

export interface Stream {
  readonly socket: Socket;
  /** Resolves when the server has ended the stream. */
  readonly end: Promise<unknown>;
}

/** Opens a stream over a plain socket, which costs this process little, and waits for its first event. */
export const openStream = async ({ url }: Pick<Running, "url">, accessToken: string): Promise<Stream> => {
  const { hostname, port, host } = new URL(url);
  const socket = connect(Number(port), hostname);
  const lines = [
    "GET /trpc/session.events HTTP/1.1",
    `host: ${host}`,
    "accept: text/event-stream",
    // The connection ends with the stream.
    "connection: close",
    `authorization: Bearer ${accessToken}`,
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  const end = once(socket, "end");
  let text = "";
  socket.setEncoding("utf8");
  await new Promise<void>((resolve, reject) => {
    const read = (chunk: string) => {
      text += chunk;
      if (!text.includes('"watching"')) return;
      socket.off("data", read);
      socket.off("error", reject);
      socket.off("end", refused);
      socket.resume();
      resolve();
    };
    const refused = () => reject(new Error(`The stream was not opened: ${text}`));
    socket.on("data", read).on("error", reject).on("end", refused);
  });
  return { socket, end };
};
