// How many users servers and one PostgreSQL carry, computed from measured costs: walks through a day with a peak, and doubles
// the users until something is full. `docs/scale.md` has the tables that this prints.

/** CPU time in ms of one core, statements of one call, and rows that it adds. */
export interface Cost {
  readonly serverMs: number;
  readonly databaseMs: number;
  readonly statements: number;
  readonly auditRows: number;
}

/**
 * From `npm run bench -- costs` on 2026-11-27: two shared cores of an AMD EPYC, Node 24.21, PostgreSQL 18, 20,000 users with two
 * sessions each, 12 calls at once. `bench/test/simulate.test.ts` compares the statements.
 */
export const measured = {
  "user.me": { serverMs: 0.28, databaseMs: 0.044, statements: 1, auditRows: 0 },
  "user.update": { serverMs: 1.7, databaseMs: 1.5, statements: 5, auditRows: 1 },
  "auth.refresh": { serverMs: 1.3, databaseMs: 0.53, statements: 2, auditRows: 0 },
  "auth.login": { serverMs: 254, databaseMs: 7.5, statements: 16, auditRows: 1 },
} as const satisfies Record<string, Cost>;

export type Operation = keyof typeof measured;

/** Bytes of a row with its indexes, from the same run. */
export const rowBytes = { users: 371, sessions: 298, audit_log: 331 } as const;

/** What one active user does in a day. An assumption: a person who has the app open for an hour. */
export const usersDay: Readonly<Record<Operation, number>> = {
  "user.me": 200,
  "user.update": 5,
  "auth.refresh": 6,
  "auth.login": 0.1,
};

/** Assumptions about the machines and the day. */
export const assumptions = {
  /** The busiest hour has this many times the mean. */
  peak: 3,
  /** Above this share of a core, calls wait for one another. */
  fullShare: 0.6,
  databaseCores: 32,
  /** Users who have an account, for each that is active in a day. */
  accountsPerActiveUser: 5,
  sessionsPerAccount: 1.5,
  auditDays: 365,
  /** PostgreSQL's default for `max_connections`, less what administrators need. */
  connections: 90,
  diskGigabytes: 2000,
  /** DATABASE_POOL, and the connection that listens. */
  connectionsPerServer: 11,
} as const;

/** What is changed so that one PostgreSQL carries more. */
export interface Remedies {
  /** Servers that answer reads, besides the primary. */
  readonly replicas?: number;
  /** The share of reads whose tokens are verified without the database. */
  readonly localShare?: number;
  /** Nodes that the rows of users are spread over. */
  readonly shards?: number;
}

export interface Estimate {
  readonly callsPerSecond: number;
  readonly statementsPerSecond: number;
  readonly servers: number;
  readonly connections: number;
  /** Of the primary, or of each node, at the peak. */
  readonly databaseCores: number;
  readonly gigabytes: number;
}

const whole = (value: number) => Math.round(value).toLocaleString("en");

const secondsOfDay = 24 * 60 * 60;
const operations = Object.keys(measured) as Operation[]; // the keys of an object literal

/** Reads can be answered by a replica; everything else writes. */
const isRead = (operation: Operation) => operation === "user.me";

/** What the busiest hour of `activeUsers` needs. */
export const estimate = (
  activeUsers: number,
  { replicas = 0, localShare = 0, shards = 1 }: Remedies = {},
): Estimate => {
  const perSecond = (operation: Operation) =>
    (activeUsers * usersDay[operation] * assumptions.peak * (isRead(operation) ? 1 - localShare : 1)) / secondsOfDay;
  const sum = (of: (operation: Operation, rate: number) => number) =>
    operations.reduce((total, operation) => total + of(operation, perSecond(operation)), 0);

  const serverCores = sum((operation, rate) => (rate * measured[operation].serverMs) / 1000);
  const servers = Math.max(1, Math.ceil(serverCores / assumptions.fullShare));
  const databaseCores = sum(
    (operation, rate) => (rate * measured[operation].databaseMs) / 1000 / (isRead(operation) ? 1 + replicas : 1),
  );
  const accounts = activeUsers * assumptions.accountsPerActiveUser;
  const auditRows =
    activeUsers *
    assumptions.auditDays *
    operations.reduce((rows, operation) => rows + usersDay[operation] * measured[operation].auditRows, 0);
  const bytes =
    accounts * (rowBytes.users + assumptions.sessionsPerAccount * rowBytes.sessions) + auditRows * rowBytes.audit_log;
  return {
    callsPerSecond: sum((_, rate) => rate),
    statementsPerSecond: sum((operation, rate) => rate * measured[operation].statements),
    servers,
    connections: servers * assumptions.connectionsPerServer,
    databaseCores: databaseCores / shards,
    gigabytes: bytes / 1e9 / shards,
  };
};

export type Wall = "one server" | "connections" | "disk" | "CPU of PostgreSQL";

/** Whether a need exceeds each limit. */
const exceeded: Readonly<Record<Wall, (need: Estimate) => boolean>> = {
  "one server": ({ servers }) => servers > 1,
  connections: ({ connections }) => connections > assumptions.connections,
  disk: ({ gigabytes }) => gigabytes > assumptions.diskGigabytes,
  "CPU of PostgreSQL": ({ databaseCores }) => databaseCores > assumptions.databaseCores * assumptions.fullShare,
};

/** What the page says about each limit. */
const limits: Readonly<Record<Wall, string>> = {
  "one server": `one process on ${assumptions.fullShare * 100} % of a core`,
  connections: `${assumptions.connections}, PostgreSQL's default less those for administrators`,
  disk: `${whole(assumptions.diskGigabytes)} GB, with the audit log of a year`,
  "CPU of PostgreSQL": `${assumptions.fullShare * 100} % of ${assumptions.databaseCores} cores`,
};

/** The most active users before a wall, to two digits. */
export const usersBefore = (wall: Wall, remedies: Remedies = {}): number => {
  const isOver = exceeded[wall];
  let [below, above] = [1, 2];
  while (!isOver(estimate(above, remedies))) [below, above] = [above, above * 2];
  while (above - below > 1) {
    const middle = Math.floor((below + above) / 2);
    if (isOver(estimate(middle, remedies))) above = middle;
    else below = middle;
  }
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(below)) - 1);
  return Math.floor(below / unit) * unit;
};

const cores = (value: number) => (value < 10 ? value.toFixed(1) : whole(value));

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

/** The tables of `docs/scale.md`, by their names there. */
export const tables = (): Readonly<Record<string, string>> => ({
  costs: table(
    [
      "call",
      "server, ms of CPU",
      "PostgreSQL, ms of CPU",
      "statements",
      "one server, calls/s",
      "one PostgreSQL, calls/s",
    ],
    operations.map((operation) => {
      const { serverMs, databaseMs, statements } = measured[operation];
      const { fullShare, databaseCores } = assumptions;
      const perSecond = (ms: number) => (fullShare * 1000) / ms;
      return [
        `\`${operation}\``,
        String(serverMs),
        String(databaseMs),
        String(statements),
        cores(perSecond(serverMs)),
        whole(perSecond(databaseMs) * databaseCores),
      ];
    }),
  ),
  sizes: table(
    [
      "active users a day",
      "calls/s at the peak",
      "statements/s",
      "servers",
      "connections",
      "PostgreSQL, cores",
      "GB after a year",
    ],
    [10_000, 100_000, 1_000_000, 10_000_000].map((users) => {
      const need = estimate(users);
      return [
        whole(users),
        whole(need.callsPerSecond),
        whole(need.statementsPerSecond),
        whole(need.servers),
        whole(need.connections),
        cores(need.databaseCores),
        whole(need.gigabytes),
      ];
    }),
  ),
  walls: table(
    ["wall", "active users a day", "limit"],
    (Object.entries(limits) as [Wall, string][]).map(([wall, limit]) => [wall, whole(usersBefore(wall)), limit]), // the keys of an object literal
  ),
  remedies: table(
    ["change", "active users a day before PostgreSQL's CPU is full"],
    (
      [
        ["none", {}],
        ["two read replicas", { replicas: 2 }],
        ["half of the reads verified without the database", { localShare: 0.5 }],
        ["four nodes, distributed by the user's ID", { shards: 4 }],
        ["all three", { replicas: 2, localShare: 0.5, shards: 4 }],
      ] as const
    ).map(([name, remedies]) => [name, whole(usersBefore("CPU of PostgreSQL", remedies))]),
  ),
});

/** Prints the tables. */
export const simulate = async (): Promise<[]> => {
  for (const [name, text] of Object.entries(tables())) process.stdout.write(`## ${name}\n\n${text}\n\n`);
  return [];
};
