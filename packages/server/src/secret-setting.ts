// Owns what is accepted as a secret in the settings: random text, not a password that a person made up.

import { deflateRawSync } from "node:zlib";
import { z } from "zod";

const minLength = 32;

/** In bytes after compression. 128 random bits in hexadecimal take about 33; repetition and sequences take few. */
const minContentBytes = 24;

const howToMakeOne = "`openssl rand -base64 32` makes one";

/** The information in a text, without repetition and sequences. */
const contentBytes = (text: string): number => {
  const bytes = Buffer.from(text);
  const steps = bytes.map((byte, index) => byte - (bytes[index - 1] ?? 0));
  return Math.min(deflateRawSync(bytes).length, deflateRawSync(steps).length);
};

/** OWASP ASVS 11.5.1. A secret that can be guessed gives away sessions, signing keys and stored tokens. */
export const Secret = z
  .string()
  .min(minLength, { error: `must be at least ${minLength} characters: ${howToMakeOne}`, abort: true })
  .refine((text) => contentBytes(text) >= minContentBytes, {
    error: `repeats itself or counts, so that it can be guessed: ${howToMakeOne}`,
  });

/** Previous secrets. One that can be guessed opens everything made with it for as long as it is accepted. */
export const PreviousSecrets = z
  .string()
  .transform((value) => value.split(/[\s,]+/).filter(Boolean))
  .refine((secrets) => secrets.every((secret) => Secret.safeParse(secret).success), {
    error: `has one that can be guessed, or is shorter than ${minLength} characters. Leave it out: what was made under it is then refused`,
  });
