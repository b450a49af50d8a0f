// The process of the demo: arguments, streams, exit code. The only file that touches `process`.

import { homedir } from "node:os";
import { join } from "node:path";
import { fileTokens } from "@lockstep/client/node";
import { Command, InvalidArgumentError, Option } from "commander";
import { openBrowser } from "./browser.ts";
import { readCredentials } from "./credentials.ts";
import { runOwnApp } from "./own-app.ts";
import { DemoError, showOn } from "./report.ts";
import { runThirdParty, signOut } from "./third-party.ts";

const webAddress = (text: string): string => {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new InvalidArgumentError("It must be an address such as http://localhost:3000.");
  }
  return text;
};

/** Where `npm start` and `pnpm dev` put the server, by the settings that they read. */
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
  .description("Asks to be let into an account of a running server, and calls it through the typed client.")
  .option("--url <url>", "where the server is; follows the settings PUBLIC_URL and PORT", webAddress, defaultUrl())
  .option("--device", "sign in anew, on another device, with a code")
  .option("--no-browser", "show the address alone, and open nothing")
  .option("--sign-out", "give the access back")
  .addOption(
    new Option("--password", "sign in with a password instead, as an app of our own").conflicts(["device", "signOut"]),
  )
  .option("--username <name>", "with --password: a username or an e-mail address; asked for when left out")
  .addHelpText(
    "after",
    "\nA password is asked for, or read from standard input: the line after the username's, if any.",
  )
  .parse(process.argv)
  .opts<Options>();

/** What this machine keeps of the access to one server: no other server ever gets it. */
const tokenFile = () => {
  const folder = process.env.XDG_STATE_HOME ?? join(homedir(), ".local/state");
  return join(folder, "lockstep", `${encodeURIComponent(new URL(url).href)}.json`);
};

// Whoever reads the output may go away (`| head`).
process.stdout.on("error", () => {});

const show = showOn(process.stdout);
try {
  if (options.password) {
    const credentials = await readCredentials({ username, input: process.stdin, prompts: process.stderr });
    await runOwnApp({ url, credentials, show });
  } else {
    const party = { url, tokens: fileTokens(tokenFile()), show };
    if (options.signOut) await signOut(party);
    else if (device) await runThirdParty(party, { by: "device" });
    else {
      const open = browser ? (address: string) => openBrowser(address, process.platform) : () => {};
      await runThirdParty(party, { by: "browser", open });
    }
  }
} catch (error) {
  if (!(error instanceof DemoError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
