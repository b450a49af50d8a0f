// Owns the demo's output: sections of names and values, and the sentences of failures, safe for a terminal.

import type { Writable } from "node:stream";
import { AuthorizationError } from "@lockstep/client/oauth";

/** Ends the demo. The message is shown to its user. */
export class DemoError extends Error {
  override readonly name = "DemoError";
}

export type Show = (title: string, rows: Record<string, string>) => void;

export const showOn =
  (output: Writable): Show =>
  (title, rows) => {
    const width = Math.max(...Object.keys(rows).map((name) => name.length));
    const lines = Object.entries(rows).map(([name, value]) => `  ${name.padEnd(width)}  ${stripControls(value)}\n`);
    output.write(`${title}\n${lines.join("")}\n`);
  };

/** Text from a server without characters that control a terminal. */
export const stripControls = (text: string): string => text.replace(/[\p{Cc}\p{Bidi_Control}]/gu, "\u{fffd}");

export const unreachable = (url: string): DemoError =>
  new DemoError(`No Lockstep server answers at ${url}. Start one with \`npm start\`, then try again.`);

/** The failure of an authorization, as a sentence for the user of the demo. Rethrows other errors. */
export const authorizationFailure = (error: unknown, url: string): DemoError => {
  if (!(error instanceof AuthorizationError)) throw error;
  switch (error.code) {
    case "unreachable":
      return unreachable(url);
    case "access_denied":
      return new DemoError("Consent was denied. Not signed in.");
    case "expired_token":
      return new DemoError("The code has expired. Run the demo again to get another one.");
    default:
      return new DemoError(stripControls(`${error.message} (${error.code})`));
  }
};
