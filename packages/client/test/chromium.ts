// Owns the browser of the tests, and how a page's script is bundled for it.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { build } from "vite";

const executablePath = process.env["CHROMIUM_PATH"] || "/usr/bin/chromium";

/** Whether to skip because there is no browser, which is printed. Throws where a browser is required. */
export const hasNoBrowser = (): boolean => {
  if (existsSync(executablePath)) return false;
  const message = `No browser at ${executablePath}. Install Chromium (Debian: apt-get install chromium) or set CHROMIUM_PATH.`;
  if (process.env["REQUIRE_BROWSER"] === "1") throw new Error(message);
  process.stderr.write(`Skipped the tests of the client in a browser. ${message}\n`);
  return true;
};

export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });

/** The script of a page with all its imports. */
export const bundled = async (entry: string): Promise<string> => {
  const built = await build({
    configFile: false,
    logLevel: "silent",
    build: {
      write: false,
      lib: { entry: join(import.meta.dirname, entry), formats: ["iife"], name: "_" },
    },
  });
  const [result] = Array.isArray(built) ? built : [built];
  const code = result && "output" in result ? result.output[0].code : undefined;
  if (!code) throw new Error("The page was not built");
  return code;
};
