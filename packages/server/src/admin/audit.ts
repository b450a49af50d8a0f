// Owns `lockstep audit`: the audit log for operators. Its entries: `domain/kernel/audit.ts`.

import { type Command, InvalidArgumentError } from "commander";
import { z } from "zod";
import type { Domain } from "../compose-domain.ts";
import type { AuditEntry } from "../domain/kernel/audit.ts";
import type { Now } from "../domain/kernel/environment.ts";
import { realWorld } from "../world.ts";
import { type AdminProcess, withDomain } from "./command.ts";
import { aligned, instant, write } from "./output.ts";
import { aboutUserArgument, findUser, userArgument } from "./users.ts";

/** Entries that are read in one query. */
const pageSize = 1000;

interface Options {
  /** Epoch milliseconds. */
  readonly since: number;
  readonly user?: string;
  readonly json?: true;
}

export const addAuditCommand = (program: Command, admin: AdminProcess) => {
  const { now } = admin.world ?? realWorld;
  program
    .command("audit")
    .description("Prints the audit log: who did what, when and from where, oldest first")
    .requiredOption("--since <when>", "a date, a date and time, or how long ago: 30m, 24h, 7d", (text) =>
      parseWhen(text, now),
    )
    .option("--user <user>", `only entries about this user: ${aboutUserArgument}`, userArgument)
    .option("--json", "print each entry on a line")
    .addHelpText("after", aboutEntries)
    .action((options: Options) => withDomain(admin, (domain) => print(admin, domain, options)));
};

/** Page by page, so that a log of any length fits into memory. */
const print = async ({ stdout }: AdminProcess, domain: Domain, { since, user, json }: Options) => {
  const userId = user === undefined ? undefined : (await findUser(domain, user)).id;
  const usernames = new Map<string, string>();
  let header = [["TIME", "ACTION", "OUTCOME", "USER", "SESSION", "ADDRESS", "DETAIL", "USER AGENT"]];
  for (let after: AuditEntry | null = null; ; ) {
    const page: AuditEntry[] = await domain.audit.page({ userId, since, after, limit: pageSize });
    if (json) await write(stdout, page.map((entry) => `${JSON.stringify(jsonOf(entry))}\n`).join(""));
    else {
      await learnUsernames(domain, page, usernames);
      await write(stdout, aligned([...header, ...page.map((entry) => rowOf(entry, usernames))]));
    }
    header = [];
    after = page.at(-1) ?? null;
    if (after === null || page.length < pageSize) return;
  }
};

const learnUsernames = async ({ users }: Domain, page: readonly AuditEntry[], usernames: Map<string, string>) => {
  for (const { userId } of page) {
    if (userId === null || usernames.has(userId)) continue;
    usernames.set(userId, (await users.find(userId))?.username ?? userId);
  }
};

const jsonOf = ({ source, ...entry }: AuditEntry) => ({ ...entry, ...source });

const rowOf = (entry: AuditEntry, usernames: ReadonlyMap<string, string>) => [
  instant(entry.at),
  entry.action,
  entry.outcome,
  entry.userId === null ? "-" : (usernames.get(entry.userId) ?? entry.userId),
  entry.sessionId ?? "-",
  entry.source.address ?? "-",
  Object.entries(entry.detail)
    .map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(",") || "-",
  entry.source.userAgent ?? "-",
];

const unitMs = { s: 1000, m: 60 * 1000, h: 60 * 60 * 1000, d: 24 * 60 * 60 * 1000 };

const zoned = { offset: true, local: true } as const;
const Instant = z.union([z.iso.date(), z.iso.datetime(zoned), z.iso.datetime({ ...zoned, precision: -1 })]);

/** Epoch milliseconds of a date (its first moment), of a date and time, or of a duration ago. All in UTC. */
const parseWhen = (text: string, now: Now): number => {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (count && unit) return Math.max(0, now() - Number(count) * unitMs[unit as keyof typeof unitMs]);
  if (!Instant.safeParse(text).success) {
    throw new InvalidArgumentError("Give a date such as 2026-11-23, a time such as 2026-11-23T14:30Z, or 24h.");
  }
  return Date.parse(/T.*(Z|[+-]\d\d:\d\d)$/.test(text) || !text.includes("T") ? text : `${text}Z`);
};

const aboutEntries = `
Times are in UTC unless --since says otherwise: 2026-11-23T14:30+01:00. The last line is the newest entry.

An entry in JSON: {"id", "at", "action", "outcome", "userId", "sessionId", "detail", "address", "userAgent",
"requestId"}; "at" is in epoch milliseconds, "requestId" names the call in the server's log. A refused sign-in to an
account that does not exist has no "userId".

Examples:
  $ npm run lockstep -- audit --since 24h
  $ npm run -s lockstep -- audit --since 2026-11-01 --user jane --json | jq -r 'select(.action == "session.reuse")'`;
