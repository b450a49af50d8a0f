// Owns how the admin commands print: JSON, one value on each line, for programs; aligned text for people.

import type { Writable } from "node:stream";

/** Waits until the text is taken, so that a million lines never wait in memory. */
export const write = (stream: Writable, text: string): Promise<void> =>
  new Promise((resolve, reject) => {
    stream.write(text, (error) => (error ? reject(error) : resolve()));
  });

export const writeLine = (stream: Writable, line: string) => write(stream, `${line}\n`);

export const writeJson = (stream: Writable, value: unknown) => writeLine(stream, JSON.stringify(value));

/** Text that came from outside, with everything made visible that a terminal would obey instead of show. */
export const visible = (text: string): string =>
  text.replace(/[\p{Cc}\p{Bidi_Control}\p{Cs}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);

/** An instant as people and programs read it. */
export const instant = (epochMs: number): string => new Date(epochMs).toISOString();

/** A row of words for each thing, the columns aligned; a column of free text comes last. */
export const aligned = (rows: readonly (readonly string[])[]): string => {
  const shown = rows.map((row) => row.map(visible));
  const widths = (shown[0] ?? []).map((_, column) => Math.max(...shown.map((row) => row[column]?.length ?? 0)));
  return shown
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join("");
};
