// Owns the files of an SQLite database: the database, its write-ahead log and the log's index. Only their owner may
// read them (OWASP ASVS 13.3.1), and a server notices when one of them is deleted or replaced.

import { chmodSync, closeSync, mkdirSync, openSync, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";

/** Four times the size at which SQLite writes its pages back. */
export const maxLogBytes = 16 * 2 ** 20;

const ownerOnly = 0o600;
const othersMayWrite = 0o022;
const sticky = 0o1000;

const filesOf = (file: string): readonly string[] => [file, `${file}-wal`, `${file}-shm`];

const statOf = (file: string): Stats | undefined => statSync(file, { throwIfNoEntry: false });

/** Creates the file and its folder if missing, and removes the permissions of everybody but their owner. */
export const prepareFiles = (file: string): void => {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  // SQLite gives the log and its index the mode of the database file.
  closeSync(openSync(file, "a", ownerOnly));
  for (const each of filesOf(file)) narrow(each);
};

const narrow = (file: string): void => {
  const stats = statOf(file);
  if (stats && (stats.mode & 0o777) !== ownerOnly && stats.uid === process.getuid?.()) chmodSync(file, ownerOnly);
};

/** The files that others than their owner may read, with their modes. */
export const openFiles = (file: string): readonly { readonly file: string; readonly mode: number }[] =>
  filesOf(file).flatMap((each) => {
    const mode = (statOf(each)?.mode ?? 0) & 0o777;
    return (mode & 0o077) === 0 ? [] : [{ file: each, mode }];
  });

/** What is wrong when other users of this machine can replace the database, and what to do. `null`: they cannot. */
export const folderFault = (file: string): { readonly problem: string; readonly advice: string } | null => {
  const folder = dirname(file);
  const mode = statOf(folder)?.mode ?? 0;
  if ((mode & othersMayWrite) === 0 || (mode & sticky) !== 0) return null;
  return {
    problem: `Other users of this machine may write to ${folder} (mode ${(mode & 0o777).toString(8)}), and so replace the database`,
    advice: `chmod 700 ${folder}`,
  };
};

/**
 * Remembers the files. The returned function tells whether they are still the same: after a file was deleted or
 * replaced, SQLite goes on writing to the old one, which nobody will ever read.
 */
export const watchFiles = (file: string): (() => boolean) => {
  const files = filesOf(file).map((name) => ({ name, is: statOf(name) }));
  return () =>
    files.every(({ name, is }) => {
      const now = statOf(name);
      return now !== undefined && now.ino === is?.ino && now.dev === is.dev;
    });
};
