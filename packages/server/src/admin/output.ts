// Owns how the admin commands print: JSON, one value on each line, for programs; aligned text for people.

import type { Writable } from "node:stream";

/** Waits until the text is written, so that a million lines never wait in memory. */
export const write = (stream: Writable, text: string): Promise<void> =>
  new Promise((resolve, reject) => {
    stream.write(text, (error) => (error ? reject(error) : resolve()));
  });

export const writeLine = (stream: Writable, line: string) => write(stream, `${line}\n`);

export const writeJson = (stream: Writable, value: unknown) => writeLine(stream, JSON.stringify(value));

/** Untrusted text with its control characters made visible, so that a terminal does not execute them. */
export const visible = (text: string): string =>
  text.replace(/[\p{Cc}\p{Bidi_Control}\p{Cs}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);

/** A time in a form for people and programs. */
export const instant = (epochMs: number): string => new Date(epochMs).toISOString();

/** Rows of words with aligned columns. A column of free text comes last. */
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
