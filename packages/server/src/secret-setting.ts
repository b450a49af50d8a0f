// Owns what is accepted as a secret in the settings: random text, not a password that a person made up.

import { deflateRawSync } from "node:zlib";
import { z } from "zod";

const minLength = 32;

/** In bytes after compression. 128 random bits in hexadecimal take about 33; repetition and sequences take few. */
const minContentBytes = 24;

const howToGenerate = "Generate one with `openssl rand -base64 32`";

/** The information in a text, without repetition and sequences. */
const contentBytes = (text: string): number => {
  const bytes = Buffer.from(text);
  const steps = bytes.map((byte, index) => byte - (bytes[index - 1] ?? 0));
  return Math.min(deflateRawSync(bytes).length, deflateRawSync(steps).length);
};

/** OWASP ASVS 11.5.1. A secret that can be guessed exposes sessions, signing keys and stored tokens. */
export const Secret = z
  .string()
  .min(minLength, { error: `must have at least ${minLength} characters. ${howToGenerate}`, abort: true })
  .refine((text) => contentBytes(text) >= minContentBytes, {
    error: `is a repetition or a sequence, which can be guessed. ${howToGenerate}`,
  });

/** Previous secrets. One that can be guessed opens everything made with it for as long as it is accepted. */
export const PreviousSecrets = z
  .string()
  .transform((value) => value.split(/[\s,]+/).filter(Boolean))
  .refine((secrets) => secrets.every((secret) => Secret.safeParse(secret).success), {
    error: `contains a secret that can be guessed, or has fewer than ${minLength} characters. Remove it; everything made with it is then refused`,
  });
