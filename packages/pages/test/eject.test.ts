// Ejecting pages into an app: the command, its records, comparisons with later versions of our pages, and that each
// ejected page compiles and builds.

import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Command, CommanderError } from "commander";
import { applyPatch, parsePatch } from "diff";
import { build } from "vite";
import { describe, expect, onTestFinished, test } from "vitest";
import { addEjectCommand, ejectPage, pageNames } from "../src/eject.ts";

const execute = promisify(execFile);
const ours = join(import.meta.dirname, "..");

/** A folder that is removed after the test. */
const scratch = async (parent = tmpdir()) => {
  const folder = await mkdtemp(join(parent, "eject-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
};

/** An app with an empty web app, and the command that runs in it. */
const makeApp = async (dependencies: object = {}) => {
  const root = await scratch();
  const web = join(root, "apps/web");
  await mkdir(web, { recursive: true });
  await writeFile(join(web, "package.json"), JSON.stringify({ name: "web", version: "0.0.0", dependencies }));
  const run = async (...argv: string[]) => {
    let printed = "";
    const program = new Command("lockstep").exitOverride().configureOutput({ writeErr: () => {} });
    addEjectCommand(program, { root, stdout: { write: (text: string) => (printed += text) } });
    try {
      await program.parseAsync(["eject", ...argv], { from: "user" });
      return { exitCode: 0, printed };
    } catch (error) {
      if (!(error instanceof CommanderError)) throw error;
      return { exitCode: error.exitCode, code: error.code, printed: error.message };
    }
  };
  return { web, run };
};

const filesBelow = async (folder: string) =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();

/** A copy of this package that can become another version. */
const copyOfOurs = async () => {
  const source = await scratch();
  await cp(join(ours, "src/pages"), join(source, "src/pages"), { recursive: true });
  await cp(join(ours, "package.json"), join(source, "package.json"));
  return {
    source,
    async release(version: string, file: string, from: string, to: string) {
      const manifest = JSON.parse(await readFile(join(source, "package.json"), "utf8"));
      await writeFile(join(source, "package.json"), JSON.stringify({ ...manifest, version }));
      const text = await readFile(join(source, "src/pages", file), "utf8");
      expect(text).toContain(from);
      await writeFile(join(source, "src/pages", file), text.replace(from, to));
    },
  };
};

describe("lockstep eject", () => {
  test("copies a page, records its version, and says what to do next", async () => {
    const { web, run } = await makeApp({ react: "19", wouter: "3" });
    const { version } = JSON.parse(await readFile(join(ours, "package.json"), "utf8"));
    expect(await run("sign-in")).toEqual({
      exitCode: 0,
      printed: [
        "Wrote apps/web/src/pages/sign-in/sign-in.tsx",
        "Wrote apps/web/src/pages/sign-in/words.ts",
        "Add to the dependencies of the web app: @lockstep/client, @lockstep/pages",
        "To show it, import SignInPage in apps/web/src/app.tsx and pass it to LockstepApp: pages={{ signIn: SignInPage }}",
        "",
      ].join("\n"),
    });
    const copied = await readFile(join(web, "src/pages/sign-in/sign-in.tsx"), "utf8");
    expect(copied).toContain('from "@lockstep/pages/parts"');
    expect(copied).not.toMatch(/from "\.\.\//);
    expect((await run("--status")).printed).toBe(`sign-in: ejected from ${version}, unchanged in ${version}\n`);
    expect((await run("sign-in", "--diff")).printed).toBe("");
    expect((await run("sign-in", "--accept")).printed).toBe(
      "Recorded that the app has adopted the changes of sign-in.\n",
    );
    const records = JSON.parse(await readFile(join(web, ".lockstep/ejected/pages.json"), "utf8"));
    expect(records).toEqual({
      "sign-in": {
        package: "@lockstep/pages",
        version,
        files: { "sign-in.tsx": expect.stringMatching(/^[0-9a-f]{64}$/), "words.ts": expect.any(String) },
      },
    });
  });

  test("refuses an unknown page, and lists the existing ones", async () => {
    const { web, run } = await makeApp();
    expect(await run("login")).toEqual({
      exitCode: 1,
      code: "eject.refused",
      printed:
        "There is no page login. Pages: account, apps, consent, developer, device, email, error, linked-accounts, not-found, password, proof, recover, second-factors, security, sessions, sign-in, sign-in-code, sign-out, sign-up, your-data.",
    });
    expect((await run()).printed).toMatch(/^Name a page: account, .* your-data\.$/);
    expect((await run("../../etc")).printed).toContain("There is no page ../../etc.");
    expect(await filesBelow(web)).toEqual(["package.json"]);
  });

  test.each([
    ["a conflict of git", "<<<<<<< HEAD\n{}\n"],
    [
      "a page outside its folder",
      JSON.stringify({ "../../..": { package: "x", version: "1.0.0", files: { "secret.tsx": "" } } }),
    ],
    [
      "a file outside its folder",
      JSON.stringify({ "sign-in": { package: "x", version: "1.0.0", files: { "../../../secret": "" } } }),
    ],
    ["another shape", JSON.stringify({ "sign-in": {} })],
  ])("refuses records with %s in one sentence, and reads no file outside", async (_what, records) => {
    const { web, run } = await makeApp();
    await mkdir(join(web, ".lockstep/ejected"), { recursive: true });
    await writeFile(join(web, ".lockstep/ejected/pages.json"), records);
    for (const file of ["../../secret.tsx.txt", "secret.txt"]) await writeFile(join(web, file), "a secret");
    const refusal = {
      exitCode: 1,
      printed: ".lockstep/ejected/pages.json is damaged. Restore it from the app's repository.",
    };
    for (const argv of [["--status"], ["--diff"], ["../../..", "--diff"], ["sign-in", "--accept"]])
      expect(await run(...argv)).toMatchObject(refusal);
  });

  test("names an original that is missing", async () => {
    const { web, run } = await makeApp();
    await run("sign-in");
    await rm(join(web, ".lockstep/ejected/sign-in/words.ts.txt"));
    expect(await run("--diff")).toMatchObject({
      exitCode: 1,
      printed: ".lockstep/ejected/sign-in/words.ts.txt cannot be read. Restore it from the app's repository.",
    });
  });

  test("can be repeated after a run that was interrupted while it copied", async () => {
    const { web, run } = await makeApp();
    await mkdir(join(web, "src"), { recursive: true });
    // No folder can be made in its place, like on a full disk.
    await writeFile(join(web, "src/pages"), "");
    await expect(run("sign-in")).rejects.toThrow();
    await rm(join(web, "src/pages"));
    await mkdir(join(web, "src/pages/.sign-in"), { recursive: true });
    await writeFile(join(web, "src/pages/.sign-in/half.tsx"), "half");
    expect(await run("sign-in")).toMatchObject({ exitCode: 0 });
    expect(await filesBelow(join(web, "src/pages"))).toEqual(["sign-in/sign-in.tsx", "sign-in/words.ts"]);
    expect((await run("--status")).printed).toMatch(/^sign-in: ejected from/);
  });

  test("refuses to overwrite a page, and writes nothing", async () => {
    const { web, run } = await makeApp();
    await mkdir(join(web, "src/pages/account"), { recursive: true });
    await writeFile(join(web, "src/pages/account/account.tsx"), "mine");
    expect(await run("account")).toMatchObject({
      exitCode: 1,
      printed: "apps/web/src/pages/account already exists. Move it to eject the page again.",
    });
    expect(await filesBelow(web)).toEqual(["package.json", "src/pages/account/account.tsx"]);
    expect(await readFile(join(web, "src/pages/account/account.tsx"), "utf8")).toBe("mine");
  });

  test("refuses a folder without a web app", async () => {
    const { web, run } = await makeApp();
    await rm(join(web, "package.json"));
    const { exitCode, printed } = await run("account");
    expect({ exitCode, printed }).toEqual({
      exitCode: 1,
      printed: `There is no package.json in ${web}. Run this in an app with a web app.`,
    });
    expect(await filesBelow(web)).toEqual([]);
  });

  test("accepts one of --status, --diff and --accept, and only for ejected pages", async () => {
    const { run } = await makeApp();
    expect((await run("--status")).printed).toBe("No page was ejected.\n");
    expect((await run("account", "--diff")).printed).toBe("The page account was not ejected.");
    expect((await run("account", "--accept")).printed).toBe("The page account was not ejected.");
    expect((await run("--status", "--diff")).printed).toBe("Choose one of --status, --diff and --accept.");
  });
});

describe("an ejected page", () => {
  test("is compared with later versions of our page, and their changes are a patch that applies to it", async () => {
    const { web } = await makeApp();
    const { acceptChanges, ejectedDiff, ejectedStatus } = await import("../src/eject.ts");
    const upstream = await copyOfOurs();
    const options = { web, source: upstream.source };
    await ejectPage("sign-in", options);
    const { version } = JSON.parse(await readFile(join(ours, "package.json"), "utf8"));
    expect(await ejectedStatus(options)).toEqual([{ page: "sign-in", version, current: version, changed: [] }]);
    expect(await ejectedDiff("sign-in", options)).toBe("");

    const file = join(web, "src/pages/sign-in/words.ts");
    await writeFile(file, `${await readFile(file, "utf8")}// A line of the app's own.\n`);
    await upstream.release("9.1.0", "sign-in/words.ts", '"Sign in"', '"Log in"');
    await writeFile(join(upstream.source, "src/pages/sign-in/extra.ts"), "export const extra = 1;\n");
    expect(await ejectedStatus(options)).toEqual([
      { page: "sign-in", version, current: "9.1.0", changed: ["extra.ts", "words.ts"] },
    ]);

    const [added, changed] = parsePatch(await ejectedDiff("sign-in", options));
    expect(added).toMatchObject({ oldFileName: "/dev/null", newFileName: "b/src/pages/sign-in/extra.ts" });
    expect(changed).toMatchObject({ oldFileName: "a/src/pages/sign-in/words.ts" });
    const patched = changed && applyPatch(await readFile(file, "utf8"), changed);
    expect(patched).toContain('"Log in"');
    expect(patched).toContain("// A line of the app's own.");

    await acceptChanges("sign-in", options);
    expect(await ejectedStatus(options)).toMatchObject([{ version: "9.1.0", changed: [] }]);
    expect(await ejectedDiff("sign-in", options)).toBe("");
  });

  test("is reported as removed when the package no longer has it", async () => {
    const { web } = await makeApp();
    const { acceptChanges, ejectedStatus } = await import("../src/eject.ts");
    const { source } = await copyOfOurs();
    await ejectPage("not-found", { web, source });
    await rm(join(source, "src/pages/not-found"), { recursive: true });
    expect(await ejectedStatus({ web, source })).toMatchObject([
      { changed: ["not-found.module.css", "not-found.tsx", "words.ts"] },
    ]);
    await expect(acceptChanges("not-found", { web, source })).rejects.toThrow("There is no page not-found.");
  });
});

test("our pages import nothing of this package but its parts and their own files", async () => {
  const folder = join(ours, "src/pages");
  const imports = await Promise.all(
    (await filesBelow(folder)).map(async (file) => [
      ...(await readFile(join(folder, file), "utf8")).matchAll(/(?:from|import\() ?"(\.[^"]*)"/g),
    ]),
  );
  const outside = new Set(imports.flat().flatMap(([, path = ""]) => (path.startsWith("./") ? [] : [path])));
  expect([...outside]).toEqual(["../../parts.ts"]);
});

test("every page compiles and builds after it was ejected", async () => {
  // Below the web app of this repository, whose packages it finds.
  const web = await scratch(join(ours, "../../apps/web"));
  const repository = join(ours, "../../apps/web");
  await cp(join(repository, "package.json"), join(web, "package.json"));
  await symlink(join(repository, "node_modules"), join(web, "node_modules"));
  const names = await pageNames();
  const property = (name: string) => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  const component = (name: string) => `${property(name).replace(/^./, (letter) => letter.toUpperCase())}Page`;
  for (const name of names) await ejectPage(name, { web });
  await writeFile(
    join(web, "main.tsx"),
    `import { brand } from "@app/contract";
import { LockstepApp, mountApp } from "@lockstep/pages";
import { createBackend } from "@lockstep/pages/backend";
import "@lockstep/pages/styles.css";
import { engineContract, type EngineContract } from "@lockstep/kit";
${names.map((name) => `import { ${component(name)} } from "./src/pages/${name}/${name}.tsx";`).join("\n")}

const backend = createBackend<EngineContract>();
mountApp(() => (
  <LockstepApp
    backend={backend}
    brand={brand}
    loadScopes={async () => engineContract.scopes}
    shell={({ children }) => <main>{children}</main>}
    ownPages={{ list: [], paths: [] }}
    pages={{ ${names.map((name) => `${property(name)}: ${component(name)}`).join(", ")} }}
  />
));
`,
  );
  await writeFile(join(web, "index.html"), '<div id="root"></div><script type="module" src="/main.tsx"></script>');
  await writeFile(
    join(web, "tsconfig.json"),
    JSON.stringify({ extends: "../tsconfig.json", include: ["main.tsx", "src"] }),
  );
  const compiled = await execute(process.execPath, [join(ours, "node_modules/typescript/bin/tsc"), "-p", web]).then(
    () => "",
    ({ stdout }: { stdout: string }) => stdout,
  );
  expect(compiled).toBe("");

  const result = await build({ root: web, configFile: false, logLevel: "silent", build: { write: false } });
  const { output } = Array.isArray(result)
    ? (result[0] ?? { output: [] })
    : "output" in result
      ? result
      : { output: [] };
  const modules = output.flatMap((file) => (file.type === "chunk" ? file.moduleIds : []));
  for (const name of names) expect(modules).toContain(join(web, `src/pages/${name}/${name}.tsx`));
});
