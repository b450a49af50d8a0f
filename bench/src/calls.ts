// The cost of calls (served and refused), sign-ins, starts and memory, compared with a bare web server and with peers that do
// the same work. All of them run all the time, and are measured in turns.

import { fill, newDatabase } from "./database.ts";
import { type Header, type LoadTarget, load, type Round } from "./load.ts";
import { measureLogins } from "./logins.ts";
import { pace } from "./pace.ts";
import type { Running } from "./processes.ts";
import { type Figure, ratios, type Table, type Target } from "./report.ts";
import { createSubjects, type SignIn, type Subject, type Subjects } from "./subjects.ts";

/** The server of each subject. */
export type Servers = ReadonlyMap<Subject, Running>;

export const calls = async (): Promise<Table[]> => {
  const database = await newDatabase();
  const users = Math.max(people, pace.rounds * pace.loginsPerRound);
  await fill(database, users);
  const subjects = await createSubjects(database, users);
  const servers = new Map<Subject, Running>();
  try {
    const starts = await measureStarts(subjects);
    for (const subject of subjects.all) servers.set(subject, await subject.start());
    const atRest = residentMegabytes(servers);
    const tables = [
      await measureUserMe(subjects, servers),
      await measureRefusals(subjects, servers),
      await measureLogins(subjects, servers),
    ];
    return [...tables, starts, memoryTable(subjects, atRest, residentMegabytes(servers))];
  } finally {
    await Promise.all([...servers.values()].map((server) => server.stop()));
    subjects.remove();
    database.remove();
  }
};

const measureUserMe = async (subjects: Subjects, servers: Servers): Promise<Table> => {
  const targets: (LoadTarget & { calls: number })[] = [];
  for (const [subject, { url }] of servers) {
    const ownCallers = await callersOf(subject.signIn, url);
    for (const { name, path, calls = 1, signIn } of subject.calls) {
      const callers = signIn ? await callersOf(signIn, url) : ownCallers;
      targets.push({ name, url: url + path, callers, calls });
    }
  }
  const rounds = await inTurns(targets);
  const rates = new Map(
    targets.map(({ name, calls }, n) => [name, rounds[n]?.map((round) => round.requestsPerSecond * calls) ?? []]),
  );
  const ratio = (name: string, other: string, target?: Target): Figure => ({
    name: `${name}, ratio to ${other}`,
    values: ratios(rates.get(name) ?? [], rates.get(other) ?? []),
    digits: 2,
    target,
  });
  const unevenness = (name: string) =>
    (rounds[targets.findIndex((target) => target.name === name)] ?? []).map(({ p50Ms, p99Ms }) => p99Ms / p50Ms);
  const { rpc, rest, batch, thirdParty, official, trpc, limit, betterAuth, fastapi } = subjects.names;
  return {
    title: "user.me: token verified, session and user read",
    figures: [
      ...[...rates].map(([name, values]) => ({ name: `${name}, calls/s`, values, bar: true })),
      ratio(rpc, limit, "≥ 0.5"),
      ratio(rpc, official, "≥ 5"),
      ratio(rpc, trpc),
      ratio(batch, official, "≥ 5"),
      ratio(rpc, betterAuth, "≥ 20"),
      ...(rates.has(fastapi) ? [ratio(rpc, fastapi, "≥ 2")] : []),
      ratio(rest, rpc, "≥ 0.9"),
      ratio(thirdParty, rpc, "≥ 0.9"),
      { name: `${rpc}, p99 to median`, values: unevenness(rpc), digits: 2, target: "≤ 3" },
      { name: `${limit}, p99 to median`, values: unevenness(limit), digits: 2 },
    ],
  };
};

/** How many users call in turns, each with a session of their own. */
const people = 8;

const callersOf = async (signIn: SignIn | null, url: string): Promise<Header[]> => {
  const callers: Header[] = [];
  // One after another, so that the hashing queue does not refuse any of them.
  if (signIn) for (let n = 0; n < people; n++) callers.push(await signIn(url, `user-${n}`));
  return callers;
};

/** The same token with a wrong signature: it is refused only after a full verification. */
const tampered = ([name, value]: Header): Header => {
  const signature = value.lastIndexOf(".") + 1;
  const other = value[signature] === "A" ? "B" : "A";
  return [name, value.slice(0, signature) + other + value.slice(signature + 1)];
};

const measureRefusals = async (subjects: Subjects, servers: Servers): Promise<Table> => {
  const targets: LoadTarget[] = [];
  for (const [{ name, refusal, signIn }, { url }] of servers) {
    if (refusal === null) continue;
    const callers = (await callersOf(signIn, url)).map(tampered);
    targets.push({ name, url: url + refusal, callers, status: 401 });
  }
  const rounds = await inTurns(targets);
  const rates = rounds.map((each) => each.map(({ requestsPerSecond }) => requestsPerSecond));
  const limit = rates[targets.findIndex(({ name }) => name === subjects.names.limit)] ?? [];
  return {
    title: "Refused with 401: a token with a wrong signature",
    figures: [
      ...targets.map(({ name }, n) => ({ name: `${name}, calls/s`, values: rates[n] ?? [] })),
      { name: `Lockstep, ratio to ${subjects.names.limit}`, values: ratios(rates[0] ?? [], limit), digits: 2 },
    ],
  };
};

/** The rounds of each target. A round measures all targets one after another. The first round is a warm-up. */
const inTurns = async (targets: readonly LoadTarget[]): Promise<Round[][]> => {
  const rounds = targets.map((): Round[] => []);
  for (let round = -1; round < pace.rounds; round++) {
    for (const [n, target] of targets.entries()) {
      const measured = await load(target);
      if (round >= 0) rounds[n]?.push(measured);
    }
  }
  return rounds;
};

const measureStarts = async ({ all }: Subjects): Promise<Table> => {
  const times = all.map((): number[] => []);
  // The first round creates what later rounds find: tables, caches of compiled code.
  for (let round = -1; round < pace.rounds; round++) {
    for (const [n, subject] of all.entries()) {
      const server = await subject.start();
      await server.stop();
      if (round >= 0) times[n]?.push(server.startMs);
    }
  }
  return {
    title: "Start to first answer, on an existing database",
    figures: all.map(({ name }, n) => ({
      name: `${name}, ms`,
      values: times[n] ?? [],
      target: n === 0 ? "≤ 400" : undefined,
    })),
  };
};

const residentMegabytes = (servers: Servers) => [...servers.values()].map((server) => server.residentBytes() / 1e6);

const memoryTable = ({ all }: Subjects, atRest: readonly number[], afterLoad: readonly number[]): Table => ({
  title: "Resident memory",
  figures: all.flatMap(({ name }, n) => [
    { name: `${name}, at rest, MB`, values: [atRest[n] ?? Number.NaN] },
    { name: `${name}, after load, MB`, values: [afterLoad[n] ?? Number.NaN], target: n === 0 ? "≤ 150" : undefined },
  ]),
});
