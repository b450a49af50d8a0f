// The demo as a process: arguments, streams and exit code. The only file that uses `process`.

import { homedir } from "node:os";
import { join } from "node:path";
import { fileTokens } from "@lockstep/client/node";
import { Command, InvalidArgumentError, Option } from "commander";
import { openBrowser } from "./browser.ts";
import { readCredentials } from "./credentials.ts";
import { runFirstParty } from "./first-party.ts";
import { DemoError, showOn } from "./report.ts";
import { runThirdParty, signOut } from "./third-party.ts";

const httpUrl = (text: string): string => {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new InvalidArgumentError("Use an address such as http://localhost:3000.");
  }
  return text;
};

/** The URL at which `npm start` and `npm run dev` run the server, from the same settings. */
const defaultUrl = () => process.env.PUBLIC_URL || `http://localhost:${process.env.PORT || 3000}`;

interface Options {
  readonly url: string;
  readonly device?: true;
  readonly browser: boolean;
  readonly signOut?: true;
  readonly password?: true;
  readonly username?: string;
}

const { url, device, browser, username, ...options } = new Command("demo")
  .description("A demo client: signs in to a running server and calls it through the typed client.")
  .option("--url <url>", "the server's address; defaults to PUBLIC_URL or PORT", httpUrl, defaultUrl())
  .option("--device", "sign in again, with a device code")
  .option("--no-browser", "print the address instead of opening a browser")
  .option("--sign-out", "revoke the grant")
  .addOption(
    new Option("--password", "sign in with a password, as a first-party client").conflicts(["device", "signOut"]),
  )
  .option("--username <name>", "with --password: username or e-mail address; otherwise read from the prompt")
  .addHelpText(
    "after",
    "\nThe password is read from a prompt, or from standard input: the line after the username, or the only line.",
  )
  .parse(process.argv)
  .opts<Options>();

/** The file with the tokens of one server. Each server has its own. */
const tokenFile = () => {
  const folder = process.env.XDG_STATE_HOME ?? join(homedir(), ".local/state");
  return join(folder, "lockstep", `${encodeURIComponent(new URL(url).href)}.json`);
};

// The reader of the output may close it early (`| head`).
process.stdout.on("error", () => {});

const show = showOn(process.stdout);
try {
  if (options.password) {
    const credentials = await readCredentials({ username, input: process.stdin, prompts: process.stderr });
    await runFirstParty({ url, credentials, show });
  } else {
    const thirdParty = { url, tokens: fileTokens(tokenFile()), show };
    if (options.signOut) await signOut(thirdParty);
    else if (device) await runThirdParty(thirdParty, { kind: "device" });
    else {
      const open = browser ? (address: string) => openBrowser(address, process.platform) : () => {};
      await runThirdParty(thirdParty, { kind: "browser", open });
    }
  }
} catch (error) {
  if (!(error instanceof DemoError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
