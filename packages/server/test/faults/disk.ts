// A disk that a test can fill: a small file system in memory. Mounting one requires a privilege that containers often
// lack. Without it, the tests that need it are skipped with a message; with `REQUIRE_TMPFS=1` they fail.

import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const run = (command: string, ...args: string[]) => execFileSync(command, args, { stdio: "pipe" });

export const mountDisk = (sizeBytes: number) => {
  const folder = mkdtempSync(join(tmpdir(), "lockstep-disk-"));
  try {
    run("mount", "-t", "tmpfs", "-o", `size=${sizeBytes},mode=0755`, "tmpfs", folder);
  } catch (error) {
    rmdirSync(folder);
    throw error;
  }
  const filler = join(folder, "filler");
  return {
    folder,
    /** Makes it writable for the owner of `path`. */
    giveToOwnerOf: (path: string) => run("chown", "--reference", path, folder),
    /** Leaves no byte free. */
    fill() {
      const file = openSync(filler, "w");
      for (const block of [64 * 1024, 512]) {
        try {
          for (let written = 0; written <= sizeBytes; written += block) writeSync(file, Buffer.alloc(block));
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
        }
      }
      closeSync(file);
    },
    makeReadOnly: () => run("mount", "-o", "remount,ro", folder),
    makeRoom: () => rmSync(filler, { force: true }),
    [Symbol.dispose]() {
      run("umount", folder);
      rmdirSync(folder);
    },
  };
};

const tryToMount = (): boolean => {
  try {
    mountDisk(64 * 1024)[Symbol.dispose]();
    return true;
  } catch (error) {
    if (process.env["REQUIRE_TMPFS"] === "1") throw error;
    process.stderr.write("No tmpfs can be mounted here: the tests of full disks are left out.\n");
    return false;
  }
};

export const canMountDisk = tryToMount();
