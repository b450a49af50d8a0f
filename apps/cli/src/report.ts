// Owns what the demo shows: sections of names and values, and the sentence of a failure, for a terminal.

import type { Writable } from "node:stream";
import { AuthorizationError } from "@lockstep/client/oauth";

/** The demo ends here: a sentence for whoever runs it. */
export class DemoError extends Error {
  override readonly name = "DemoError";
}

export type Show = (title: string, rows: Record<string, string>) => void;

export const showOn =
  (output: Writable): Show =>
  (title, rows) => {
    const width = Math.max(...Object.keys(rows).map((name) => name.length));
    const lines = Object.entries(rows).map(([name, value]) => `  ${name.padEnd(width)}  ${visible(value)}\n`);
    output.write(`${title}\n${lines.join("")}\n`);
  };

/** Text from a server, without what a terminal would obey instead of show. */
export const visible = (text: string): string => text.replace(/[\p{Cc}\p{Bidi_Control}]/gu, "\u{fffd}");

/** Nobody answers where a server should be. */
export const nobodyAt = (url: string): DemoError =>
  new DemoError(`No Lockstep server answers at ${url}. Start one with \`npm start\`, then try again.`);

/** What an authorization failed with, for whoever runs the demo; what is no failure of one is thrown on. */
export const authorizationFailure = (error: unknown, url: string): DemoError => {
  if (!(error instanceof AuthorizationError)) throw error;
  switch (error.code) {
    case "unreachable":
      return nobodyAt(url);
    case "access_denied":
      return new DemoError("You did not allow it: nobody was signed in.");
    case "expired_token":
      return new DemoError("Nobody answered in time. Run the demo again for another code.");
    default:
      return new DemoError(visible(`${error.message} (${error.code})`));
  }
};
