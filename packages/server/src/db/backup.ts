// Owns backups of SQLite databases: a consistent copy while servers write, and putting one in the place of a database.
// PostgreSQL has tools of its own.

import { randomUUID } from "node:crypto";
import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { basename, dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { StartError } from "../start-error.ts";
import { isBusy } from "./sqlite-driver.ts";

const ownerOnly = 0o600;

/** What a file contains, as far as people compare it. */
export interface Backup {
  readonly file: string;
  readonly bytes: number;
  readonly users: number;
}

/**
 * Writes a copy of the database `file` to `backup`, which only its owner can read. The copy is complete, or does not
 * exist. Servers may run, and are not slowed down.
 * @throws StartError when `backup` exists, or cannot be written
 */
export const backUp = (file: string, backup: string): Backup => {
  if (existsSync(backup)) throw alreadyExists(backup);
  return withTemporary(backup, (temporary) => {
    // SQLite keeps the mode of a file that exists.
    closeSync(openSync(temporary, "wx", ownerOnly));
    const database = open(file);
    try {
      database.prepare("vacuum into ?").run(temporary);
    } catch (error) {
      throw new StartError(`The backup cannot be written to ${backup} (${reasonOf(error)}). Nothing was left there.`);
    } finally {
      database.close();
    }
    const content = inspect(temporary);
    moveTo(temporary, backup);
    return { ...content, file: backup };
  });
};

/**
 * Puts a copy of `backup` in the place of the database `file`. An existing database is kept under another name.
 * @returns where the existing database is now; `null`: there was none
 * @throws StartError when the backup is damaged, when the database exists and `replace` is `false`, or while a process uses it
 */
export const restore = (
  backup: string,
  file: string,
  { replace, now }: { readonly replace: boolean; readonly now: number },
): Backup & { readonly kept: string | null } => {
  if (!existsSync(backup)) throw new StartError(`There is no file ${backup}.`);
  const exists = existsSync(file);
  if (exists && !replace)
    throw new StartError(
      `The database ${file} exists. With --replace it is kept under another name, and the backup takes its place.`,
    );
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  return withTemporary(file, (temporary) => {
    closeSync(openSync(temporary, "wx", ownerOnly));
    copyFileSync(backup, temporary);
    const content = inspect(temporary);
    if (!exists) {
      moveTo(temporary, file);
      return { ...content, file, kept: null };
    }
    closeDown(file);
    const kept = `${file}.${new Date(now).toISOString().replaceAll(":", "-")}`;
    linkSync(file, kept);
    renameSync(temporary, file);
    return { ...content, file, kept };
  });
};

const alreadyExists = (file: string) => new StartError(`The file ${file} exists. Choose another name.`);

/** Fails if `file` exists by now. */
const moveTo = (temporary: string, file: string): void => {
  try {
    linkSync(temporary, file);
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === "EEXIST" ? alreadyExists(file) : error;
  }
};

/** A name beside `file`, on the same disk. What is left of it at the end is removed. */
const withTemporary = <T>(file: string, use: (temporary: string) => T): T => {
  const temporary = `${dirname(file)}/.${basename(file)}.${randomUUID()}`;
  try {
    return use(temporary);
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(`The file ${file} cannot be written (${reasonOf(error)}).`);
  } finally {
    for (const left of [temporary, `${temporary}-wal`, `${temporary}-shm`, `${temporary}-journal`])
      rmSync(left, { force: true });
  }
};

const open = (file: string): DatabaseSync => {
  if (!existsSync(file)) throw new StartError(`There is no database ${file}.`);
  return new DatabaseSync(file, { timeout: 5000 });
};

/** Checks a whole file, and makes it safe against a loss of power. */
const inspect = (file: string): Omit<Backup, "file"> => {
  let users: number;
  let database: DatabaseSync | null = null;
  try {
    database = open(file);
    const [problem] = Object.values(database.prepare("pragma integrity_check(1)").get() ?? {});
    if (problem !== "ok") throw new Error(String(problem));
    users = Number(database.prepare("select count(*) as users from users").get()?.["users"]);
  } catch (error) {
    throw new StartError(`The backup is damaged, or no database of Lockstep (${reasonOf(error)}).`);
  } finally {
    database?.close();
  }
  const opened = openSync(file, "r");
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
  return { bytes: statSync(file).size, users };
};

/** Writes the log back into the file, and removes it. */
const closeDown = (file: string): void => {
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    // Every process that uses the file shares a lock on it.
    database.exec("pragma locking_mode = exclusive; pragma journal_mode = delete; begin exclusive; commit");
  } catch (error) {
    if (!isBusy(error)) throw error;
    throw new StartError(`A process uses the database ${file}. Stop the server first.`);
  } finally {
    database.close();
  }
};

const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
