// Owns the order of the checks of `lockstep doctor`, and which of them depend on which, so that one fault is reported once.

import { availableParallelism } from "node:os";
import type { App } from "../app.ts";
import { workerCount } from "../config.ts";
import type { Db } from "../db/database.ts";
import { knownSecret } from "../development.ts";
import { realWorld, type WorldOptions } from "../world.ts";
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

/** What is examined: an app with the settings of its server. */
export interface Examined {
  readonly app: App;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder that settings are relative to. */
  readonly root: string;
  readonly world?: WorldOptions;
}

/** Told of each check, in the order of their names. */
export type Tell = (check: CheckName, outcome: Outcome) => Promise<void>;

/** Runs the checks. */
export const examine = async (
  { app, env, root, world = realWorld }: Examined,
  { skip, tell }: { skip: readonly CheckName[]; tell: Tell },
): Promise<void> => {
  /** Runs a check, unless it is left out or what it needs is `missing`, and returns whether it found a problem. */
  const run = async (check: CheckName, missing: string | null, look: () => Promise<Outcome> | Outcome) => {
    const because = skip.includes(check) ? "it was left out" : missing;
    const outcome = because === null ? await look() : { because };
    await tell(check, outcome);
    return "problems" in outcome;
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
  const secret = knownSecret(config, root);
  const noSecret = secret === null ? "development creates its secret when it starts" : null;
  try {
    const withDb = (look: (db: Db) => Promise<Outcome>) => () => ("db" in opened ? look(opened.db) : opened);
    const isUnusable = await run(
      "database",
      null,
      withDb((open) => checkDatabase(open, config, workerCount(config, availableParallelism()))),
    );
    const noDatabase = isUnusable || !("db" in opened) ? "the database cannot be used" : null;
    const isOther = await run(
      "schema",
      noDatabase,
      withDb((open) => checkSchema(open, app)),
    );
    const noTables = noDatabase ?? (isOther ? "the database is not of this version" : null);
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
    const isUnreadable = await run(
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
    await run("public-url", noSecret ?? (isUnreadable ? "the keys are not in order" : null), async () => {
      const asked = await checkPublicUrl({
        config: { ...config, secret: secret ?? "" },
        world,
        db: noTables === null && "db" in opened ? opened.db : null,
      });
      seen = asked.seen;
      return asked.outcome;
    });
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
    if ("db" in opened) await opened.db.destroy();
  }
};
