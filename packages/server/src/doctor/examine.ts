// Owns the order of the checks of `lockstep doctor`, and which of them depend on which, so that one fault is reported once.

import { availableParallelism } from "node:os";
import type { AdminProcess } from "../admin/command.ts";
import { workerCount } from "../config.ts";
import type { Db } from "../db/database.ts";
import { knownSecret } from "../development.ts";
import { realWorld } from "../world.ts";
import { type CheckName, checkNames, type Outcome } from "./check.ts";
import {
  checkClients,
  checkClock,
  checkDatabase,
  checkKeys,
  checkNews,
  checkPasswords,
  checkSchema,
  openForChecks,
} from "./data.ts";
import { checkFiles, checkSecrets, checkSettings } from "./machine.ts";
import { checkMail, checkProviders } from "./others.ts";
import { checkCookies, checkProxy, checkPublicUrl, type SeenRequests } from "./public-url.ts";

/** Told of each check, in the order of their names. */
export type Tell = (check: CheckName, outcome: Outcome) => Promise<void>;

/** Runs the checks. */
export const examine = async (
  { app, env, root, world = realWorld }: AdminProcess,
  { skip, tell }: { skip: readonly CheckName[]; tell: Tell },
): Promise<void> => {
  /**
   * Runs a check, unless it is left out or what it needs is `missing`, and returns whether it found no problem.
   */
  const run = async (check: CheckName, missing: string | null, look: () => Promise<Outcome> | Outcome) => {
    const because = skip.includes(check) ? "it was left out" : missing;
    const outcome = because === null ? await look() : { because };
    await tell(check, outcome);
    return "found" in outcome;
  };

  const { config, outcome } = checkSettings(env, root);
  await tell("settings", outcome);
  if (config === null) {
    for (const check of checkNames.slice(1)) await tell(check, { because: "the settings are invalid" });
    return;
  }
  await run("secrets", null, () => checkSecrets(config));
  await run("files", null, () => checkFiles(config, env, root));

  const opened = await openForChecks(config);
  const db: Db | null = "problem" in opened ? null : opened;
  const unopened = { problems: [opened] } as Outcome;
  const secret = knownSecret(config, root);
  const noSecret = secret === null ? "development creates its secret when it starts" : null;
  try {
    const withDb = (look: (db: Db) => Promise<Outcome>) => () => (db ? look(db) : unopened);
    const usable = await run(
      "database",
      null,
      withDb((open) => checkDatabase(open, config, workerCount(config, availableParallelism()))),
    );
    const noDatabase = usable ? null : "the database cannot be used";
    const migrated = await run(
      "schema",
      noDatabase,
      withDb((open) => checkSchema(open, app)),
    );
    const noTables = noDatabase ?? (migrated ? null : "the database is not of this version");
    await run(
      "clock",
      noDatabase,
      withDb((open) => checkClock(open, world)),
    );
    await run(
      "news",
      noDatabase,
      withDb((open) => checkNews(open, config)),
    );
    const { previousSecrets } = config;
    const { now } = world;
    const readable = await run(
      "keys",
      noTables ?? noSecret,
      withDb((open) => checkKeys(open, { secret: secret ?? "", previousSecrets, now })),
    );
    await run(
      "passwords",
      noTables,
      withDb((open) => checkPasswords(open, config)),
    );
    await run(
      "clients",
      noTables,
      withDb((open) => checkClients(open, config, world.outbound)),
    );
    await run("mail", null, () => checkMail(config, app.brand));
    await run("providers", null, () => checkProviders(config, world));

    let seen: SeenRequests | null = null;
    await run(
      "public-url",
      noSecret ?? (noTables === null && !readable ? "the keys cannot be read" : null),
      async () => {
        const asked = await checkPublicUrl({
          config: { ...config, secret: secret ?? "" },
          world,
          db: noTables === null ? db : null,
        });
        seen = asked.seen;
        return asked.outcome;
      },
    );
    const withSeen = (look: (requests: SeenRequests) => Outcome) => () => look(seen as SeenRequests);
    const unseen = seen === null ? "the server at PUBLIC_URL was not asked" : null;
    await run(
      "proxy",
      unseen,
      withSeen((requests) => checkProxy(requests, config)),
    );
    await run(
      "cookies",
      unseen,
      withSeen((requests) => checkCookies(requests, config)),
    );
  } finally {
    await db?.destroy();
  }
};
