// The process of the demo: arguments, streams, exit code. The only file that touches `process`.

import { Command, InvalidArgumentError } from "commander";
import { readCredentials } from "./credentials.ts";
import { DemoError, runDemo } from "./demo.ts";

const webAddress = (text: string): string => {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new InvalidArgumentError("It must be an address such as http://localhost:3000.");
  }
  return text;
};

const { url, username } = new Command("demo")
  .description("Signs in to a running server and calls it through the typed client.")
  .option("--url <url>", "where the server is", webAddress, "http://localhost:3000")
  .option("--username <name>", "who signs in: a username or an e-mail address; asked for when left out")
  .addHelpText(
    "after",
    "\nThe password is asked for, or read from standard input: the line after the username's, if any.",
  )
  .parse(process.argv)
  .opts<{ url: string; username?: string }>();

// Whoever reads the output may go away (`| head`).
process.stdout.on("error", () => {});

try {
  const credentials = await readCredentials({ username, input: process.stdin, prompts: process.stderr });
  await runDemo({ url, credentials, output: process.stdout });
} catch (error) {
  if (!(error instanceof DemoError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
