// Owns the browser that tests drive: Debian's Chromium, or the one at `CHROMIUM_PATH`. Where there is none, tests that need
// it are skipped with one line that says so; `REQUIRE_BROWSER=1` makes that a failure.

import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

/** The headless shell first: it takes a third of the full browser's time, and has the same engine. */
const installed = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium"];

const executablePath = process.env["CHROMIUM_PATH"] || installed.find((path) => existsSync(path));

/**
 * Whether the tests called `what` are skipped because there is no browser. If so, prints it.
 * @throws when there is none and `REQUIRE_BROWSER=1`.
 */
export const skippedWithoutBrowser = (what: string): boolean => {
  if (executablePath !== undefined && existsSync(executablePath)) return false;
  const message =
    `No browser at ${executablePath ?? installed.join(" or ")}. To run them, install Chromium ` +
    "(Debian: apt-get install chromium-headless-shell) or set CHROMIUM_PATH.";
  if (process.env["REQUIRE_BROWSER"] === "1") throw new Error(`Cannot run ${what}. ${message}`);
  process.stderr.write(`Skipped ${what}. ${message}\n`);
  return true;
};

/**
 * A headless browser that makes no requests of its own. Close it when done.
 * @param hosts the addresses of some hosts: `{ "app.localhost:80": "127.0.0.1:4000" }`
 */
export const launchBrowser = (hosts: Readonly<Record<string, string>> = {}): Promise<Browser> =>
  chromium.launch({
    ...(executablePath !== undefined && { executablePath }),
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      `--host-resolver-rules=${Object.entries(hosts).map(([from, to]) => `MAP ${from} ${to}`)}`,
    ],
  });
