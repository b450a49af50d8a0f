// Prints Lighthouse's scores of the main pages of the build, on a phone as Lighthouse imitates it. Not a test. Lighthouse
// is no dependency: the first argument is the folder of its package, as `npm install lighthouse` made it. Others are paths, to
// see only these.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { startAppServer } from "@app/server/testing";
import { john } from "@lockstep/server/testing";
import { chromium } from "playwright-core";

/** What is used of Lighthouse. */
interface Lighthouse {
  default(
    url: string,
    flags: { port: number; disableStorageReset: boolean; onlyCategories: readonly string[] },
  ): Promise<{
    lhr: {
      categories: Record<string, { score: number | null; auditRefs: { id: string; weight: number }[] }>;
      audits: Record<string, { title: string; score: number | null; displayValue?: string }>;
    };
  }>;
}

const categories = ["performance", "accessibility", "best-practices"] as const;
const port = 9333;
const [folder = "node_modules/lighthouse", ...wanted] = process.argv.slice(2);
const among = (paths: readonly string[]) => paths.filter((path) => wanted.length === 0 || wanted.includes(path));
const { default: lighthouse } = (await import(pathToFileURL(resolve(folder, "core/index.js")).href)) as Lighthouse;

const profile = await mkdtemp(join(tmpdir(), "lighthouse-"));
await using server = await startAppServer();
const context = await chromium.launchPersistentContext(profile, {
  executablePath: process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium",
  args: [`--remote-debugging-port=${port}`, "--no-sandbox", "--headless=new", "--disable-gpu"],
});
try {
  const scoresOf = async (path: string) => {
    const flags = { port, disableStorageReset: true, onlyCategories: categories };
    const { lhr } = await lighthouse(server.url + path, flags);
    const scores = categories.map((name) => `${name} ${Math.round((lhr.categories[name]?.score ?? 0) * 100)}`);
    process.stdout.write(`${path}: ${scores.join(", ")}\n`);
    for (const name of categories)
      for (const { id, weight } of lhr.categories[name]?.auditRefs ?? []) {
        const { title, score, displayValue = "" } = lhr.audits[id] ?? { title: id, score: null };
        if (weight > 0 && score !== null && score < 0.9) process.stdout.write(`  ${name}: ${title} ${displayValue}\n`);
      }
  };
  for (const path of among(["/sign-in", "/sign-up", "/recover"])) await scoresOf(path);
  const page = await context.newPage();
  await page.goto(server.url);
  await page.getByLabel("Username or e-mail address").fill(john.username);
  await page.getByLabel("Password", { exact: true }).fill(john.password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByLabel("Full name").waitFor();
  await page.close();
  for (const path of among(["/", "/security", "/sessions", "/apps", "/email", "/password", "/developer", "/notes"]))
    await scoresOf(path);
} finally {
  await context.close();
  await rm(profile, { recursive: true, force: true });
}
